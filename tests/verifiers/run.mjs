// Verdicts of the page's own code on the cases that come on stdin as JSON: [{archive, key, against, witnesses}, …];
// `without` names an algorithm that this browser shall not know.
import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const page = readFileSync(new URL("../../verifiers/verify_bundle.html", import.meta.url), "utf8");
const module = join(mkdtempSync(join(tmpdir(), "verifier-")), "core.mjs");
writeFileSync(module, page.match(/<script type="module">([^]*?)<\/script>/)[1]);
const { verify, WORDS, UNDECIDED, sha256, ed25519 } = await import(pathToFileURL(module));

const bytes = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
const asked = JSON.parse(readFileSync(0, "utf8")), told = {};
if (asked.without) {
  const { subtle } = crypto, importKey = subtle.importKey.bind(subtle);
  subtle.importKey = (format, key, algorithm, ...more) => {
    if (algorithm === asked.without) throw new DOMException("not here", "NotSupportedError");
    return importKey(format, key, algorithm, ...more);
  };
}
told.verdicts = [];
for (const one of asked.cases ?? []) told.verdicts.push(await verify(bytes(one.archive), one.key, one.against, one.witnesses));
told.hashes = (asked.messages ?? []).map((one) => Buffer.from(sha256(bytes(one))).toString("hex"));
told.signatures = [];
for (const [key, signature, message] of asked.signatures ?? []) {
  told.signatures.push([await ed25519(bytes(key), bytes(signature), bytes(message)), await ed25519(bytes(key), bytes(signature), bytes(message), true)]);
}
told.words = WORDS;
told.undecided = [...UNDECIDED];
process.stdout.write(JSON.stringify(told));
