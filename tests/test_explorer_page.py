"""The explorer in a real browser: what is moved, drawn, saved and refused."""

import json
import shutil
import time

import numpy as np
import pytest
import xarray as xr
from shared import quick_ones
from test_cli import call

import hh_sde as hh

webdriver = pytest.importorskip("selenium.webdriver", reason="the extra browser is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium, chromedriver: not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of the driver
]

NET = hh.Network(
    2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(weights=0.1), noise=hh.CurrentNoise(sigma=1.0)
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


class Page:
    """A page in a browser."""

    def __init__(self, driver, path, downloads):
        self.driver, self.path, self.downloads = driver, path, downloads

    def open(self, link="", width=1400, height=1000):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        self.driver.get(self.path.as_uri() + link)
        self.settled()

    def js(self, script):
        return self.driver.execute_script(script)

    def settled(self):
        """Wait until what is set is drawn."""
        drawn = """
            const run = hh_sde.shown();
            return run?.all !== undefined && asked === null && !again
                && Object.entries(hh_sde.settings()).every(([name, v]) => run.settings[name] === v);
        """
        self.until(lambda: self.js(drawn))

    def until(self, true):
        for _ in range(400):
            if true():
                return
            time.sleep(0.025)
        raise AssertionError("nothing came")

    def control(self, name):
        return self.driver.find_element(By.ID, f"set-{name}")

    def slider(self, name):
        row = self.control(name).find_element(By.XPATH, "..")
        return row.find_element(By.CSS_SELECTOR, "input[type=range]")

    def write(self, name, text):
        box = self.control(name)
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(text)

    def text(self, name):
        return self.js(f"return document.getElementById('{name}').textContent")

    def run(self, changes):
        """What `window.hh_sde.run` promises."""
        return self.driver.execute_async_script(
            """
            const [changes, done] = arguments;
            const plain = (_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v;
            hh_sde.run(changes).then(
                (run) => done(JSON.stringify(run, plain)), (error) => done(error.message),
            );
            """,
            changes,
        )

    def saved(self, button, name):
        """The file that a button saves."""
        path = self.downloads / name
        path.unlink(missing_ok=True)
        self.js(f"document.getElementById('{button}').click()")
        self.until(lambda: path.exists() and path.stat().st_size > 0)
        return path


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = hh.explore(NET, folder / "page.html", t_end=40.0)
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    preferences = {
        "download.default_directory": str(folder),
        "profile.default_content_setting_values.automatic_downloads": 1,
    }
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(30)
    try:
        yield Page(driver, path, folder)
    finally:
        driver.quit()


def test_a_slider_moves_what_is_drawn(page):
    page.open()
    before = page.js("return Array.from(plots.V.data[1])")
    for _ in range(5):
        page.slider("stimulus").send_keys(Keys.ARROW_RIGHT)
    page.settled()
    settings = page.js("return hh_sde.settings()")
    assert settings["stimulus"] == pytest.approx(11.0)
    time_, *V = page.js("return plots.V.data.map((series) => Array.from(series))")
    assert V[0] != before
    net = NET.replace(stimulus=settings["stimulus"])
    ds = hh.solve(net, 40.0, dt=0.01, rng=1).sel(time=time_, method="nearest")
    np.testing.assert_allclose(np.transpose(V), ds.V, rtol=0, atol=1e-7)


def test_the_saved_toml_run_by_the_command_gives_the_path_of_the_page(page, tmp_path):
    page.open()
    for name, text in {"dt": "0.02", "sigma": "2.5", "g_K": "33", "trials": "2"}.items():
        page.write(name, text)
    page.js("hh_sde.set({method: 'lie_trotter', rng: 2 ** 40 + 1})")
    page.settled()
    path = page.saved("save-toml", "hh_sde.toml")
    done = call(tmp_path, "run", path, "--out", "run.nc")
    assert done.exit_code == 0, done.output
    ds = xr.load_dataset(tmp_path / "run.nc")
    found = json.loads(page.run({}))
    expected = ds.V.transpose("trial", "neuron", "time")
    np.testing.assert_allclose(found["V"], expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found["time"], ds.time, atol=1e-9)
    spikes = sorted(ds.hh.spikes().spike_time.values)
    np.testing.assert_allclose(sorted(one["time"] for one in found["spikes"]), spikes, atol=1e-9)


def test_the_promise_takes_a_seed_and_refuses_what_is_wrong(page):
    page.open()
    found = json.loads(page.run({"seed": 5, "t_end": 10, "dt": 0.02, "method": "heun"}))
    ds = hh.solve(NET, 10.0, dt=0.02, method="heun", rng=5)
    np.testing.assert_allclose(np.transpose(found["V"]), ds.V, rtol=0, atol=1e-7)
    assert "dt: accepted: a number above 0" in page.run({"dt": -1})


def test_bad_values_are_refused_in_place(page):
    page.open()
    for name, text, fault in (
        ("dt", "-1", "a number above 0"),
        ("stimulus", "ten", "a number"),
        ("stimulus", "", "a number"),
        ("stimulus", "-", "a number"),
        ("g_Na", "nan", "a number not below 0"),
        ("n_neurons", "2.5", "a whole number from 1 to 100"),
        ("trials", "0", "a whole number from 1 to 200"),
        ("t_end", "40.005", "a multiple of dt"),
    ):
        drawn = page.js(f"return hh_sde.shown().settings.{name}")
        page.write(name, text or Keys.DELETE)
        assert fault in page.text(f"fault-{name}")
        assert page.control(name).get_attribute("aria-invalid") == "true"
        assert page.text("summary").startswith("not run: ")
        assert page.js(f"return hh_sde.settings().{name}") == drawn
        page.write(name, str(drawn))
        page.settled()
        assert page.text(f"fault-{name}") == ""
    for text, last in {"1,5": 1, "0x10": 0, "1e": 1}.items():  # what begins as a number is one
        page.write("stimulus", text)
        page.until(lambda last=last: page.js("return hh_sde.shown().settings.stimulus") == last)
        assert "a number" in page.text("fault-stimulus")
        assert ("a point: 1.5" in page.text("fault-stimulus")) == ("," in text)
        assert len(page.js("return plots.V.data[0]")) > 1000
    page.write("n_neurons", "x")
    assert page.text("summary") == "not run: current, neurons"


def test_numbers_in_any_decimals_are_taken(page):
    page.open()
    for text, value in {"1e-9": 1e-9, "1E3": 1000, ".5": 0.5, "-.5e1": -5}.items():
        page.write("stimulus", text)
        page.settled()
        assert page.js("return hh_sde.shown().settings.stimulus") == value
        assert page.control("stimulus").get_attribute("value") == text
        assert page.text("fault-stimulus") == ""


def test_what_is_hidden_is_in_nobodys_way(page):
    page.open()
    page.write("trials", "0")
    assert page.text("summary") == "not run: trials"
    page.js("inputs.noise.select.value = 'none'")
    page.js("inputs.noise.select.dispatchEvent(new Event('change'))")
    page.settled()
    assert page.js("return hh_sde.shown().settings.noise") == "none"
    page.open("#noise=none&sigma=oops&tau=-1")
    assert page.text("summary").endswith(" ms")


def test_eulers_step_blows_up_and_the_splitting_does_not(page):
    page.open()
    page.driver.find_element(By.XPATH, "//button[starts-with(., 'Euler with too large')]").click()
    page.settled()
    trouble = page.text("trouble")
    assert "euler_maruyama with dt = 0.1 ms" in trouble
    assert "lie_trotter goes on, on the same path" in trouble
    euler, splitting = page.js("return [plots.V.data[1].at(-1), plots.V.data.at(-1).at(-1)]")
    assert euler is None
    assert -100 < splitting < 60
    assert "not finite to the end" in page.text("summary")
    assert "Hz" not in page.text("summary")
    spikes = page.js("return hh_sde.shown().result.spikes")
    assert sorted(one["neuron"] for one in spikes) == [0, 1]
    assert page.text("summary").startswith("2 spikes")
    assert page.text("said-intervals").startswith("0 intervals")
    left = page.js("return hh_sde.shown().result.diverged.left")
    assert f"after t = {left:g} ms, where V goes out of its plot, is not counted" in trouble


def test_a_run_that_blows_up_is_no_point_of_the_rates(page):
    page.open()
    assert page.text("said-rate") == ""
    entered = "return rates.length"
    before = page.js(entered)
    assert before == 1
    page.js("hh_sde.set({dt: 0.1})")
    page.settled()
    assert page.js(entered) == before
    assert page.text("said-rate").startswith("No point at 10 µA/cm²")
    page.js("document.getElementById('fill').click()")
    page.until(lambda: page.js("return !document.getElementById('fill').disabled"))
    found = page.js("return rates.map((one) => one.rate)")
    assert before < len(found) < before + 31
    assert all(0 <= rate < 200 for rate in found)
    lost = before + 31 - len(found)
    assert f"No points at {lost} currents of the range" in page.text("said-rate")
    page.js("hh_sde.set({dt: 0.01})")
    page.settled()
    assert page.text("said-rate") == ""


def test_one_far_current_does_not_press_the_others_together(page):
    page.open()
    page.js("hh_sde.set({method: 'lie_trotter', stimulus: 1e6})")
    page.settled()
    assert page.js("return plots.rate.scales.x.max") == 1e6
    page.js("hh_sde.set({stimulus: 10})")
    page.settled()
    assert page.js("return plots.rate.scales.x.max") == 30


def test_a_start_far_from_rest_does_not_hide_the_rest(page):
    page.open()
    page.js("hh_sde.set({V0: 150})")
    page.settled()
    low, high = page.js("return [plots.V.scales.y.min, plots.V.scales.y.max]")
    assert low < -60
    assert high > 150


def test_zoom_ends_where_there_are_no_more_points(page):
    page.open()
    for how in ("zoom='0.5'", "move='0.5'"):
        for _ in range(15):
            page.js(f'document.querySelector("[data-{how}]").click()')
        low, high = page.js("const { x } = plots.V.scales; return [x.min, x.max]")
        assert high - low == pytest.approx(0.04)
        assert page.js("const { x } = plots.gates.scales; return [x.min, x.max]") == [low, high]
    assert high > 20.1
    page.js("document.querySelector('[data-zoom=all]').click()")
    assert page.js("const { x } = plots.V.scales; return [x.min, x.max]") == [0, 40]


def test_the_newest_takes_the_place_of_a_long_run(page):
    """Set while that begins, and never again."""
    page.open()
    page.js("hh_sde.set({t_end: 100000, n_neurons: 50}); hh_sde.set({t_end: 50, n_neurons: 2})")
    page.settled()
    assert page.js("return hh_sde.shown().settings.t_end") == 50


def test_before_the_first_run_every_button_is_harmless(page):
    page.driver.get_log("browser")
    page.driver.get("about:blank")
    page.driver.get(page.path.as_uri() + "#t_end=100000&n_neurons=50")
    assert page.js("return hh_sde.shown()") is None
    page.js(
        "for (const one of document.querySelectorAll('button'))"
        " if (!['save-toml', 'new'].includes(one.id || one.textContent)) one.click()"
    )
    assert page.driver.get_log("browser") == []


def test_a_link_keeps_what_is_set(page):
    page.open()
    page.js("hh_sde.set({noise: 'ornstein_uhlenbeck_current', tau: 2.5, n_neurons: 3})")
    page.settled()
    link = page.js("return location.hash")
    assert link == "#n_neurons=3&noise=ornstein_uhlenbeck_current&tau=2.5"
    page.open(link + "&beside=heun&dt=oops")
    assert page.js("return hh_sde.settings()")["tau"] == 2.5
    assert page.control("n_neurons").get_attribute("value") == "3"
    assert "accepted: a number" in page.text("fault-dt")
    assert page.control("dt").get_attribute("value") == "oops"


def test_a_link_leaves_nothing_of_the_link_before(page):
    page.open("#noise=current&trials=4&trial=2&neuron=1&beside=heun&gate=none&depth=3&toString=4")
    assert "does not know: depth, toString." in page.text("trouble")
    assert page.js("return view") == {"beside": "heun", "trial": 2, "neuron": 1, "gate": "n"}
    page.js("location.hash = '#stimulus=8'")
    page.until(lambda: page.js("return hh_sde.settings().stimulus") == 8)
    page.settled()
    assert page.js("return view") == {"beside": "none", "trial": 0, "neuron": 0, "gate": "n"}
    assert page.text("trouble") == ""
    assert page.js("return location.hash") == "#stimulus=8"


def test_a_damaged_link_is_told_in_a_line(page):
    page.driver.get_log("browser")
    page.open("#=3&&%zz&" + "a" * 3000 + "=1&" + "&".join(f"k{k}" for k in range(500)))
    assert page.text("trouble") == (
        f"The link has what this page does not know: %zz, {'a' * 40}, k0, k1, k2, and more."
    )
    page.open("#noise=<img src=x onerror=alert(1)>&t_end=1e9&neuron=0x1&trial=-1")
    assert page.text("summary").startswith("not run: kind, duration")
    assert page.js("return document.images.length") == 0
    assert page.driver.get_log("browser") == []


def test_what_is_said_of_a_failed_run_scrolls_away_on_a_narrow_screen(page):
    page.open("#dt=0.1", width=390)
    assert "euler_maruyama with dt = 0.1 ms" in page.text("trouble")
    page.js("document.getElementById('set-dt').scrollIntoView({block: 'center'})")
    bottom = "return document.getElementById('{}').getBoundingClientRect().bottom"
    page.until(lambda: page.js(bottom.format("trouble")) < 0)
    assert page.js(bottom.format("figure-V")) > 0  # the trace stays
    assert page.js("return document.documentElement.scrollWidth") <= 390


def test_without_gates_there_is_no_phase_plane(page):
    page.open()
    assert "dn/dt = 0" in page.text("key-phase")
    page.js("hh_sde.set({noise: 'conductance'})")
    page.settled()
    assert "No gate is a variable here" in page.text("said-phase")
    assert page.text("key-phase") == ""
    assert page.js("return document.getElementById('plot-phase').ariaLabel") == "No phase plane"


def test_files_and_rates(page):
    page.open()
    table = np.genfromtxt(page.saved("save-csv", "hh_sde.csv"), delimiter=",", names=True)
    assert table.dtype.names[:4] == ("time_ms", "V_0", "V_1", "m_0")
    np.testing.assert_allclose(table["V_0"][-1], page.js("return plots.V.data[1].at(-1)"))
    assert page.saved("save-png", "hh_sde.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    page.js("document.getElementById('fill').click()")
    page.until(lambda: page.js("return !document.getElementById('fill').disabled"))
    at = page.js("return rates.map((one) => [one.stimulus, one.rate])")
    assert len(at) >= 32
    assert dict(at)[-10] < dict(at)[30]


WINDOWS = [(400, "dark"), (1400, "light"), (400, "light"), (1400, "dark")]


@pytest.mark.parametrize(("width", "theme"), quick_ones(WINDOWS, WINDOWS[:2]))
def test_it_fits_and_asks_nothing_of_the_network(page, width, theme):
    page.driver.get_log("browser"), page.driver.get_log("performance")
    page.open(width=width)
    page.js(f"theme('{theme}')")
    page.settled()
    assert page.js("return document.documentElement.scrollWidth <= innerWidth")
    narrow = page.js("return Object.values(plots).filter((one) => one.width > innerWidth).length")
    assert narrow == 0
    assert page.driver.get_log("browser") == []
    events = [json.loads(one["message"])["message"] for one in page.driver.get_log("performance")]
    asked = {
        event["params"]["request"]["url"].split(":")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {"file", "blob", "data", "about", "chrome"}  # chrome: of the browser itself
