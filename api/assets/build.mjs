// Which bytes does the API explorer consist of, and whose are they?
//
// Bundles the exact packages of package-lock.json (npm ci has checked their integrity) into
// built/, writes the licence of every package whose code or style really got in, and the
// manifest that tests/api/test_assets.py holds the committed files against.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const LICENCE_FILE = /^(licen[cs]e|copying)(\.(md|txt))?$/i;

async function bundle() {
  const result = await build({
    entryPoints: { graphiql: "src/graphiql.jsx" },
    outdir: "built",
    bundle: true,
    minify: true,
    metafile: true,
    format: "iife",
    jsx: "automatic",
    target: "es2021",
    charset: "utf8",
    legalComments: "none", // every licence is in LICENSES.txt, in full
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  return Object.values(result.metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
}

function packageFolder(path) {
  const match = path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  return match ? match[1] : null;
}

function mit(holder) {
  const text = readFileSync("node_modules/react/LICENSE", "utf8");
  return text.replace(/^Copyright .*$/m, `Copyright (c) ${holder}`);
}

function licenceText(folder, about) {
  const file = readdirSync(folder).find((name) => LICENCE_FILE.test(name));
  if (file) return readFileSync(join(folder, file), "utf8").trim();
  const holder = about.author?.name ?? about.author ?? `the ${about.name} authors`;
  if (about.license !== "MIT") throw new Error(`${about.name}: no licence file, and not MIT`);
  return mit(holder).trim();
}

function describe(folder) {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const { name, version, license } = about;
  return { name, version, license, text: licenceText(folder, about) };
}

function writeLicences(packages) {
  const blocks = packages.map(
    ({ name, version, license, text }) =>
      `${"=".repeat(78)}\n${name} ${version} (${license})\n${"=".repeat(78)}\n\n${text}\n`,
  );
  const head =
    "built/graphiql.js and built/graphiql.css contain code of these packages, each under the\n" +
    "licence printed below it.\n";
  writeFileSync("built/LICENSES.txt", [head, ...blocks].join("\n").replaceAll("\r\n", "\n"));
}

function digest(name) {
  return createHash("sha256").update(readFileSync(join("built", name))).digest("hex");
}

function writeManifest(packages) {
  const files = Object.fromEntries(readdirSync("built").sort().map((name) => [name, digest(name)]));
  const bundled = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
  writeFileSync("manifest.json", `${JSON.stringify({ files, packages: bundled }, null, 2)}\n`);
}

const inputs = await bundle();
const folders = new Set(inputs.map(packageFolder).filter((folder) => folder && existsSync(folder)));
const packages = [...folders].sort().map(describe);
writeLicences(packages);
writeManifest(packages);
