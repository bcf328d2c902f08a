// Runs test files on MicroPython's WebAssembly build: host.mjs ROOT FILE..., the FILEs relative to ROOT.
// The build has a file system in memory only, so core, its tests and their data are copied into it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const COPIED = ["agent/__init__.py", "agent/core", "agent/platform", "tests/core", "tests/data", "tools/micropython/runner.py"];
const HEAP_BYTES = 256 * 1024 * 1024; // the collector runs between two tests only
const STACK_BYTES = 1024 * 1024;
const NOISE = "Warning: exception chaining not supported"; // `raise … from` still raises

function* filesUnder(root, path) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat?.isFile()) yield path;
    if (!stat?.isDirectory() || path.endsWith("__pycache__")) return;
    for (const name of readdirSync(join(root, path))) yield* filesUnder(root, join(path, name));
}

async function freshInterpreter(root) {
    const show = (line) => line === NOISE || console.log(line);
    const options = { heapsize: HEAP_BYTES, pystack: STACK_BYTES, stdout: show, stderr: show };
    const interpreter = await loadMicroPython(options);
    for (const path of COPIED.flatMap((top) => [...filesUnder(root, top)])) {
        interpreter.FS.mkdirTree(dirname(join("/project", path)));
        interpreter.FS.writeFile(join("/project", path), readFileSync(join(root, path)));
    }
    interpreter.FS.chdir("/project");
    interpreter.runPython("import sys; sys.path[:0] = ['/project', '/project/tools/micropython']; import runner");
    return interpreter;
}

async function runFile(root, file) {
    const interpreter = await freshInterpreter(root);
    interpreter.runPython(`tests = runner.Tests(${JSON.stringify(file)}); count = tests.count`);
    const count = interpreter.globals.get("count");
    for (let index = 0; index < count; index++) interpreter.runPython(`tests.run(${index})`);
}

const [root, ...files] = process.argv.slice(2);
for (const file of files) {
    console.log("FILE", file);
    try {
        await runFile(root, file);
    } catch (error) {
        console.log(String(error.message ?? error));
        console.log("FAILED (the file itself)");
    }
}
console.log("END");
