// JupyterLite on the site's workspace and kernel, in real browsers, in a folder of a plain server.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertOneOrigin, browsers, eventually, launch, newPage, serve } from "./harness.mjs";
import { kernelSite } from "./kernel-site.mjs";

const LIMIT = { timeout: 180_000 };
let site;
before(async () => (site = await kernelSite()));
after(() => site?.remove());

/** Run code in a kernel of JupyterLite; its reply, and the text of its outputs. */
const run = (page, code) =>
  page.evaluate(async (text) => {
    const outputs = [];
    const future = window.session.kernel.requestExecute({ code: text });
    future.onIOPub = ({ content }) => outputs.push(content.text ?? content.data?.["text/plain"] ?? content.ename ?? "");
    const { content } = await future.done;
    return { status: content.status, ename: content.ename, text: outputs.join("") };
  }, code);

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser, server, bare, lab;

    before(async () => {
      browser = await launch(name);
      server = await serve(site.folder, { subPath: "/school/course/" });
      bare = await newPage(browser);
      await bare.goto(server.url);
      await eventually(() => bare.evaluate(() => Boolean(navigator.serviceWorker.controller)), "the service worker");
      lab = await newPage(browser);
      await lab.goto(`${server.url}lite/lab/index.html`);
      await eventually(() => lab.evaluate(() => Boolean(document.querySelector(".jp-DirListing"))), "JupyterLite", 60_000);
    });
    after(async () => {
      await browser?.close();
      await server?.close();
    });

    test("its files are the workspace", LIMIT, async () => {
      await bare.evaluate(() => window.store.write({ "notes/hello.py": "x = 'from the page'\n" }));
      const names = () => lab.evaluate(() => [...document.querySelectorAll(".jp-DirListing-itemText")].map((item) => item.textContent));
      await eventually(async () => (await names()).includes("notes"), "the folder in the list");
      const { type, content } = await lab.evaluate(() => window.jupyterapp.serviceManager.contents.get("notes/hello.py", { content: true }));
      assert.deepEqual([type, content], ["file", "x = 'from the page'\n"]);
      await lab.evaluate(async () => {
        const { contents } = window.jupyterapp.serviceManager;
        await contents.save("notes/here.txt", { type: "file", format: "text", content: "from JupyterLite" });
        await contents.rename("notes/hello.py", "notes/renamed.py");
      });
      const files = await bare.evaluate(async () => Object.fromEntries(await window.store.readAll()));
      assert.equal(files["notes/here.txt"], "from JupyterLite");
      assert.equal(files["notes/renamed.py"], "x = 'from the page'\n");
      assert.ok(!("notes/hello.py" in files));
    });

    test("what is not text is kept too, outside the workspace", LIMIT, async () => {
      const back = await lab.evaluate(async () => {
        const { contents } = window.jupyterapp.serviceManager;
        await contents.save("picture.png", { type: "file", format: "base64", content: "iVBORw0KGgo=" });
        return (await contents.get("picture.png", { content: true })).content;
      });
      assert.equal(back, "iVBORw0KGgo=");
      assert.equal(await bare.evaluate(() => window.store.read("picture.png")), undefined);
    });

    test("a notebook is a file of the workspace", LIMIT, async () => {
      const path = await lab.evaluate(async () => {
        const { contents } = window.jupyterapp.serviceManager;
        return (await contents.newUntitled({ path: "", type: "notebook" })).path;
      });
      const text = await bare.evaluate((file) => window.store.read(file), path);
      assert.equal(JSON.parse(text).nbformat, 4);
    });

    test("its kernel is the page's: the same files, the same Python", LIMIT, async () => {
      await lab.evaluate(async () => {
        const { sessions } = window.jupyterapp.serviceManager;
        window.session = await sessions.startNew({ path: "a.ipynb", type: "notebook", name: "a", kernel: { name: "python" } });
      });
      assert.equal((await run(lab, 'print(open("notes/here.txt").read())')).text, "from JupyterLite\n");
      await run(lab, 'open("notes/python.txt", "w").write("from Python")');
      assert.equal(await bare.evaluate(() => window.store.read("notes/python.txt")), "from Python");
      assert.equal((await run(lab, "1 / 0")).ename, "ZeroDivisionError");
      const { matches } = await lab.evaluate(async () => {
        const { content } = await window.session.kernel.requestComplete({ code: "impo", cursor_pos: 4 });
        return content;
      });
      assert.ok(matches.includes("import"));
    });

    test("`import tinytorch` is the student's package, as the page left it", LIMIT, async () => {
      const where = 'import sys, tinytorch; sys.modules["tinytorch.tensor"].__file__';
      assert.match((await run(lab, where)).text, /site-packages/);
      const { chapter, step } = await bare.evaluate(async () => {
        const { state } = await window.kernel.call({ call: "state" });
        const tensor = state.chapters.find(({ id }) => id === "02-tensor");
        return { chapter: tensor.id, step: tensor.steps[0].id };
      });
      await bare.evaluate(async (id) => {
        const { solution: code } = await window.kernel.call({ call: "solution", step: id });
        await window.kernel.call({ call: "check", step: id, code });
      }, step);
      assert.ok(await bare.evaluate(() => window.store.read("tinytorch/tensor.py")), `${chapter} is started`);
      assert.doesNotMatch((await run(lab, where)).text, /site-packages/);
    });

    test("its stop button stops", LIMIT, async () => {
      const reply = await lab.evaluate(async () => {
        const future = window.session.kernel.requestExecute({ code: "while True: pass" });
        await new Promise((resume) => setTimeout(resume, 500));
        const begin = performance.now();
        await window.session.kernel.interrupt();
        const { content } = await future.done;
        return { status: content.status, ename: content.ename, ms: performance.now() - begin };
      });
      assert.equal(reply.status, "error");
      assert.ok(reply.ms < 2000, `${reply.ms} ms`);
      assert.equal((await run(lab, "print(1 + 1)")).text, "2\n");
    });

    test("nothing was asked of another origin", () => {
      assertOneOrigin(lab, server.origin);
      assertOneOrigin(bare, server.origin);
    });
  });
}
