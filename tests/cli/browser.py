"""A page in headless Chromium, through chromedriver (W3C WebDriver), with Python's own library alone.

    with Browser(width, height, dark) as browser:
        browser.open(url)
        browser.run("return document.title")
"""
import base64, json, os, re, shutil, subprocess, tempfile, time, urllib.error, urllib.request


class Browser:
    def __init__(self, width=1280, height=900, dark=False):
        self.room = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # for what Chromium leaves lying
        self.driver = subprocess.Popen([shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, env=os.environ | {"TMPDIR": self.room.name})
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port:
                break
        else:
            raise RuntimeError("chromedriver does not start")
        self.base = f"http://127.0.0.1:{port[1]}/session"
        options = {"binary": shutil.which("chromium"),
                   "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            self.session = self.ask("POST", "", {"capabilities": {"alwaysMatch": capabilities}})["sessionId"]
            self.look(width, height, dark)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            if hasattr(self, "session"):
                self.ask("DELETE", f"/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.room.cleanup()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def call(self, name, **body):
        return self.ask("POST", f"/{self.session}/{name}", body)

    def devtools(self, command, **parameters):
        return self.call("goog/cdp/execute", cmd=command, params=parameters)

    def look(self, width, height, dark):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("url", url=url)

    def run(self, script, *arguments):
        return self.call("execute/sync", script=script, args=list(arguments))

    def until(self, script, seconds=20):
        """Runs the script until it returns something true; a page that loads itself again may end one run of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.run(script):
                    return
            except urllib.error.HTTPError:
                pass
            time.sleep(0.05)
        raise TimeoutError(script)

    def keys(self, text):
        """Pressed one after the other, where the focus is."""
        presses = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("actions", actions=[{"type": "key", "id": "keyboard", "actions": presses}])

    def log(self):
        """What the console has said since it was asked."""
        return self.call("se/log", type="browser")

    def shot(self, path, whole=True):
        image = self.devtools("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))
