// A line of JSON each way: {} makes a key pair by the browser's means, {"plain": true} by the page's own, {secret, file}
// opens a file (in base64).
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(process.argv[2] + "/");
const { opened } = await import(new URL("open.js", folder));
const { newKey } = await import(new URL("key.js", folder));
const { subtle } = crypto;

async function reply({ plain, secret, file }) {
  if (secret === undefined) {
    Object.defineProperty(crypto, "subtle", { value: plain ? undefined : subtle, configurable: true });
    return newKey();
  }
  try {
    return { text: opened(secret, Uint8Array.from(atob(file), (one) => one.charCodeAt(0))) };
  } catch (error) {
    return { wrong: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await reply(JSON.parse(line))));
