// Writes ../js/policy-editor.js: one minified script, the same bytes whoever builds it (npm ci && npm run build).
// Its banner has the licences of what is in it, and the hash of what it was built from, which a test compares.
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { build } from "esbuild";

const OUT = argv[2] ?? "../js/policy-editor.js";

const sources = async () => {
  const modules = (await readdir("src")).filter((name) => name.endsWith(".js")).map((name) => `src/${name}`);
  return ["build.js", "package.json", "package-lock.json", ...modules].sort();
};

// Of each name and content, with their lengths, in the order of the names.
const hash = async (names) => {
  const sum = createHash("sha256");
  for (const name of names) {
    const content = await readFile(name);
    sum.update(`${name} ${content.length}\n`).update(content);
  }
  return sum.digest("hex");
};

const packagesIn = (metafile) => {
  const names = Object.keys(metafile.inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
};

// Packages under one licence share its text; each keeps its line of copyright.
const licences = async (packages) => {
  const texts = new Map();
  for (const name of packages) {
    const whole = await readFile(`node_modules/${name}/LICENSE`, "utf8");
    const copyright = whole.match(/^Copyright .*$/m)[0];
    const text = whole.slice(whole.indexOf(copyright) + copyright.length).trim();
    texts.set(text, [...(texts.get(text) ?? []), `${name}: ${copyright}`]);
  }
  return [...texts].map(([text, names]) => `${names.join("\n")}\n\n${text}`).join("\n\n");
};

const { metafile, outputFiles } = await build({
  entryPoints: ["src/main.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  write: false,
});
const banner = `/*!
The policy editor. Made from static/editor by npm ci && npm run build: change it there.
Sources: ${await hash(await sources())}

${await licences(packagesIn(metafile))}
*/
`;
await writeFile(OUT, banner + outputFiles[0].text);
