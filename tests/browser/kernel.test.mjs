// The kernel, the store and the service worker in real browsers, on a bare page.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildId } from "../../lite/build.mjs";
import { assertOneOrigin, browsers, eventually, launch, newPage, serve } from "./harness.mjs";
import { kernelSite } from "./kernel-site.mjs";

const LIMIT = { timeout: 180_000 };
let site;
before(async () => (site = await kernelSite()));
after(() => site?.remove());

const run = (page, code) => page.evaluate((text) => window.run(text), code);
const runAndStop = (page, code, after = 300) => page.evaluate((text, ms) => window.runAndStop(text, ms), code, after);
const stored = (page) => page.evaluate(async () => Object.fromEntries(await window.store.readAll()));
const idle = (page) => eventually(() => page.evaluate(() => window.kernel.status === "idle"), "an idle kernel", 90_000);
const kinds = (reply) => reply.outputs.map(({ kind }) => kind);

async function open(browser, url) {
  const page = await newPage(browser);
  await page.goto(url);
  await eventually(() => page.evaluate(() => Boolean(window.run)), "the page's script");
  return page;
}

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser;
    before(async () => (browser = await launch(name)));
    after(() => browser?.close());

    describe("on a server that isolates the page", () => {
      let server, page;
      before(async () => {
        server = await serve(site.folder, { headers: true });
        page = await open(browser, server.url);
      });
      after(async () => {
        assertOneOrigin(page, server.origin);
        assert.deepEqual(page.log.errors, []);
        await page.close();
        await server.close();
      });

      test("nothing of Python is fetched before it is asked for", LIMIT, async () => {
        assert.deepEqual(server.requests.filter((path) => path.includes("/pyodide/")), []);
        assert.equal(await page.evaluate(() => window.kernel.status), "off");
      });

      test("a cell's streams, displays and value come in order", LIMIT, async () => {
        const reply = await run(
          page,
          'import sys\nfrom IPython.display import HTML, display\nprint("out")\nprint("err", file=sys.stderr)\n' +
            'shown = display(HTML("<b>1</b>"), display_id="d")\nshown.update(HTML("<b>2</b>"))\nprint("end")\n6 * 7',
        );
        assert.equal(reply.status, "ok");
        assert.deepEqual(kinds(reply), ["stream", "stream", "data", "data", "stream", "data"]);
        const [, , first, second, , value] = reply.outputs;
        assert.equal(reply.stdout, "out\nend\n");
        assert.equal(reply.stderr, "err\n");
        assert.deepEqual([first.id, first.data["text/html"]], ["d", "<b>1</b>"]);
        assert.deepEqual([second.id, second.update, second.data["text/html"]], ["d", true, "<b>2</b>"]);
        assert.deepEqual([value.result, value.data["text/plain"]], [true, "42"]);
      });

      test("the phases of the start are timed and told", LIMIT, async () => {
        const timings = await page.evaluate(() => window.kernel.timings);
        for (const phase of ["loader", "runtime", "kernel", "workspace", "total"]) assert.ok(timings[phase] >= 0, phase);
        const statuses = await page.evaluate(() => window.statuses);
        assert.ok(statuses.includes("booting: Loading Python") && statuses.includes("idle"), statuses.join());
      });

      test("matplotlib is fetched when it is imported, and a figure is a picture", LIMIT, async () => {
        assert.ok(!server.requests.some((path) => /matplotlib-\d/.test(path)));
        const reply = await run(page, "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);");
        assert.ok(server.requests.some((path) => /matplotlib-\d/.test(path)));
        assert.deepEqual([reply.status, reply.stdout, reply.stderr], ["ok", "", ""]);
        assert.match(reply.outputs.find(({ kind }) => kind === "data").data["image/png"], /^iVBOR/);
      });

      test("an error carries its kind, its message and the cell's own line", LIMIT, async () => {
        const raised = await run(page, "def f(x):\n    return 1 / x\n\nf(0)");
        assert.deepEqual([raised.status, raised.ename, raised.line], ["error", "ZeroDivisionError", 2]);
        assert.match(raised.outputs[0].traceback.join("\n"), /----> 2 *return 1 \/ x/);
        const unparsed = await run(page, "x = 1\nif x:\nprint(x)");
        assert.deepEqual([unparsed.ename, unparsed.line], ["IndentationError", 3]);
        assert.doesNotMatch(unparsed.evalue, /ipython-input/);
      });

      test("input() is refused in words", LIMIT, async () => {
        const reply = await run(page, 'name = input("Who? ")');
        assert.equal(reply.status, "error");
        assert.match(reply.evalue, /input\(\) does not work in this page/);
        assert.doesNotMatch(reply.outputs[0].traceback.join("\n"), /refuse_input/);
      });

      test("a hundred megabytes of prints leave a page that works", LIMIT, async () => {
        const reply = await run(page, 'for i in range(1_000_000):\n    print(f"{i:>99}")');
        assert.equal(reply.status, "ok");
        const shown = reply.outputs.map((output) => output.text ?? output.data["text/plain"]).join("");
        assert.ok(shown.length < 400_000, `${shown.length} characters`);
        assert.match(reply.outputs.at(-1).data["text/plain"], /^… 99\d,\d{3} lines hidden …[^]* 999999\n$/);
        const large = await run(page, '"x" * 10**8');
        assert.match(large.outputs[0].data["text/plain"], /… 99,8\d\d,\d{3} characters hidden …/);
      });

      test("stop interrupts a loop at once and keeps the variables", LIMIT, async () => {
        await run(page, "kept = 41");
        const reply = await runAndStop(page, "while True:\n    pass");
        assert.deepEqual([reply.status, reply.how], ["stopped", "interrupted"]);
        assert.ok(reply.ms < 500, `${reply.ms} ms`);
        assert.deepEqual(kinds(reply), []);
        assert.equal((await run(page, "kept + 1")).outputs[0].data["text/plain"], "42");
      });

      test("a stop while nothing runs does not hit the next cell", LIMIT, async () => {
        await page.evaluate(() => window.kernel.stop());
        assert.equal((await run(page, "sum(range(10**6))")).status, "ok");
      });

      test("what waits behind a stopped cell is dropped", LIMIT, async () => {
        const [first, second] = await page.evaluate(async () => {
          const both = [window.run("while True: pass"), window.run("dropped = 1")];
          await new Promise((resume) => setTimeout(resume, 300));
          await window.kernel.stop();
          return Promise.all(both);
        });
        assert.deepEqual([first.status, second.status], ["stopped", "stopped"]);
        assert.equal((await run(page, '"dropped" in globals()')).outputs[0].data["text/plain"], "False");
      });

      test("deep recursion is a Python error", LIMIT, async () => {
        const deep = ["def f(n):\n    return f(n + 1)\nf(0)", "class A:\n    def __repr__(self):\n        return repr([self])\nrepr(A())"];
        for (const code of deep) assert.equal((await run(page, code)).ename, "RecursionError", code);
        assert.equal((await run(page, "kept")).status, "ok", "the interpreter lives");
      });

      test("what a cell breaks of Python is put back, and said", LIMIT, async () => {
        const reply = await run(page, "import builtins, sys\nbuiltins.len = None\ndel builtins.print\nsys.stdout = None");
        assert.equal(reply.status, "ok");
        assert.match(reply.stderr, /replaced Python's own len, print/);
        assert.equal((await run(page, "print(len([1, 2]))")).stdout, "2\n");
      });

      test("%pip is refused in words", LIMIT, async () => {
        assert.match((await run(page, "%pip install torch")).evalue, /asks no other server/);
      });

      test("files a cell writes are stored; the store's files are in its folder", LIMIT, async () => {
        await page.evaluate(() => window.store.write({ "given.txt": "from the page" }));
        assert.equal((await run(page, 'print(open("given.txt").read())')).stdout, "from the page\n");
        await run(page, 'open("mine.txt", "w").write("from Python")');
        assert.equal((await stored(page))["mine.txt"], "from Python");
        const binary = await run(page, 'import numpy as np\nnp.save("w.npy", np.zeros(3))');
        assert.match(binary.stderr, /w\.npy lasts for this session only/);
      });

      test("another tab's change is here before the next cell", LIMIT, async () => {
        const other = await open(browser, server.url);
        await other.evaluate(() => window.store.write({ "shared.txt": "from the other tab" }));
        assert.equal((await run(page, 'print(open("shared.txt").read())')).stdout, "from the other tab\n");
        await other.evaluate(() => window.store.write({}, ["shared.txt"]));
        assert.equal((await run(page, 'import os; os.path.exists("shared.txt")')).outputs[0].data["text/plain"], "False");
        await other.close();
      });

      test("the engine answers, what it changes is stored, its errors are errors", LIMIT, async () => {
        const step = await page.evaluate(async () => {
          const { state } = await window.kernel.call({ call: "state" });
          return state.chapters.find(({ id }) => id === "02-tensor").steps[0].id;
        });
        await run(page, "before_the_check = 1");
        const before = await stored(page);
        const { report } = await page.evaluate(async (id) => {
          const { starter } = await window.kernel.call({ call: "starter", step: id });
          return window.kernel.call({ call: "check", step: id, code: starter });
        }, step);
        assert.notEqual(report.outcome, "passed", "a starter");
        assert.ok("tinytorch/tensor.py" in (await stored(page)) && !("tinytorch/tensor.py" in before));
        const error = await page.evaluate(() =>
          window.kernel.call({ call: "text", step: "02-tensor/none" }).catch(({ name, message }) => `${name}: ${message}`),
        );
        assert.match(error, /^ServiceError: .*02-tensor\/none/);
        const endless = await page.evaluate(async (id) => {
          const { starter } = await window.kernel.call({ call: "starter", step: id });
          const check = window.kernel.call({ call: "check", step: id, code: `${starter}\nwhile True:\n    pass\n` });
          const outcome = check.then(() => "answered", ({ name }) => name);
          await new Promise((resume) => setTimeout(resume, 1500));
          return [await window.kernel.stop(), await outcome];
        }, step);
        assert.deepEqual(endless, ["interrupted", "KernelStopped"]);
        assert.equal((await run(page, "before_the_check")).status, "ok");
      });

      test("an interrupt that is not taken ends in a fresh Python with the files", LIMIT, async () => {
        const reply = await runAndStop(page, "while True:\n    try:\n        while True: pass\n    except BaseException: pass");
        assert.deepEqual([reply.status, reply.how], ["stopped", "restarted"]);
        assert.ok(reply.ms < 2000, `${reply.ms} ms`);
        await idle(page);
        assert.equal((await run(page, 'print(open("mine.txt").read())')).stdout, "from Python\n");
        assert.equal((await run(page, "kept")).ename, "NameError");
        assert.equal(await page.evaluate(() => window.restarts.length), 1);
      });

      test("a crash of the interpreter is said, and it comes back by itself", LIMIT, async () => {
        const files = await stored(page);
        const reply = await run(page, "import os\nos.abort()");
        assert.equal(reply.status, "error");
        assert.match(reply.evalue, /crashed.*restarted: your files are kept/s);
        await idle(page);
        assert.equal((await run(page, "1 + 1")).outputs[0].data["text/plain"], "2");
        assert.deepEqual(await stored(page), files);
        page.log.errors.length = 0;
      });
    });

    describe("on a plain server, in a folder", () => {
      let server;
      before(async () => (server = await serve(site.folder, { subPath: "/school/course/" })));
      after(() => server.close());

      test("without a service worker, stop throws Python away and keeps the files", LIMIT, async () => {
        server.failing.add("sw.js");
        const page = await open(browser, server.url);
        assert.equal(await page.evaluate(() => crossOriginIsolated), false);
        await run(page, 'open("mine.txt", "w").write("kept")');
        const reply = await runAndStop(page, 'import time\nprint("began")\nwhile True: pass');
        assert.deepEqual([reply.status, reply.how, reply.stdout], ["stopped", "restarted", "began\n"]);
        assert.ok(reply.ms < 500, `${reply.ms} ms`);
        assert.equal((await run(page, 'print(open("mine.txt").read())')).stdout, "kept\n");
        assertOneOrigin(page, server.origin);
        await page.close();
        server.failing.clear();
      });

      test("a runtime that cannot be fetched, or is of another build, is said in words; trying again works", LIMIT, async () => {
        server.failing.add("sw.js").add("pyodide/pyodide.asm.wasm");
        const page = await open(browser, server.url);
        const problem = () => page.evaluate(() => window.kernel.start().then(() => "started", ({ message }) => message));
        assert.match(await problem(), /could not be loaded from this site.*what you wrote is kept/);
        assert.equal(await page.evaluate(() => window.kernel.status), "dead");
        server.failing.delete("pyodide/pyodide.asm.wasm");
        const worker = join(site.folder, "tt/kernel-worker.js");
        const script = readFileSync(worker, "utf8");
        writeFileSync(worker, script.replaceAll(buildId(), "anotherbuild"));
        assert.match(await problem(), /updated while the page was open\. Reload/);
        writeFileSync(worker, script);
        assert.equal((await run(page, "1 + 1")).status, "ok");
        await page.close();
        server.failing.clear();
      });

      test("the service worker isolates it from the next load on, then serves it without a network", LIMIT, async () => {
        const page = await open(browser, server.url);
        await page.evaluate(() => window.installed.then(() => navigator.serviceWorker.ready));
        await eventually(() => page.evaluate(() => Boolean(navigator.serviceWorker.controller)), "control by the worker");
        await page.reload();
        await eventually(() => page.evaluate(() => crossOriginIsolated && Boolean(window.run)), "isolation");
        assert.equal((await run(page, "1 + 1")).status, "ok");
        const stopped = await runAndStop(page, "while True: pass");
        assert.deepEqual([stopped.status, stopped.how], ["stopped", "interrupted"]);
        const precached = await page.evaluate(
          () =>
            new Promise((resolve) => {
              navigator.serviceWorker.addEventListener("message", ({ data }) => data.precached === "runtime" && resolve(data));
              navigator.serviceWorker.controller.postMessage({ precache: "runtime" });
            }),
        );
        assert.equal(precached.failed, 0);
        await page.close();
        await server.close();

        const offline = await open(browser, server.url);
        assert.equal(await offline.evaluate(() => crossOriginIsolated), true);
        assert.equal((await run(offline, "import matplotlib.pyplot as plt\nplt.plot([1]);")).status, "ok");
        assert.equal((await run(offline, 'print(open("mine.txt").read())')).stdout, "kept\n");
        await offline.goto(`${server.url}never.html`);
        assert.match(await offline.evaluate(() => document.body.textContent), /not stored yet/);
        assertOneOrigin(offline, server.origin);
        await offline.close();
      });
    });

    test("a newer build replaces the older one and its files", LIMIT, async () => {
      const server = await serve(site.folder);
      const page = await open(browser, server.url);
      await page.evaluate(() => navigator.serviceWorker.ready);
      await eventually(() => page.evaluate(() => Boolean(navigator.serviceWorker.controller)), "control by the worker");
      const { build } = site.release("second build");
      await page.reload();
      const current = () =>
        page.evaluate(async () => {
          const [name] = (await caches.keys()).filter((key) => key.includes("runtime"));
          const cache = await caches.open(name);
          const [manifest] = (await cache.keys()).filter(({ url }) => url.endsWith("?manifest"));
          return (await (await cache.match(manifest)).json()).build;
        });
      await eventually(async () => (await current()) === build, "the new build");
      assert.equal(await page.evaluate(() => document.querySelector("#note").textContent), "second build");
      await page.close();
      await server.close();
    });
  });
}
