/* What the theme leaves undone for those who do not use a mouse. */
window.addEventListener("load", () => {
  // What scrolls by itself can be reached by the keyboard.
  const wide = "div.math, mjx-container, .pst-scrollable-table-container, .cell_output, pre";
  const reach = () => {
    // A name that a voice can say holds the words that one sees.
    for (const button of document.querySelectorAll(".search-button__button")) {
      button.setAttribute("aria-label", button.innerText.replace(/\s+/g, " ").trim() || "Search");
    }
    for (const one of document.querySelectorAll(wide)) {
      if (one.scrollWidth > one.clientWidth + 1) one.tabIndex = 0;
    }
  };
  // The explorer computes, so that it begins when it is about to be seen.
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      target.src = target.dataset.src;
      seen.unobserve(target);
    }
  }, { rootMargin: "200px" });
  document.querySelectorAll("iframe[data-src]").forEach((one) => seen.observe(one));
  reach();
  window.addEventListener("resize", reach);
});
