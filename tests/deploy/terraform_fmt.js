// Lists the Terraform files that `terraform fmt` would write otherwise, with the formatter that Terraform itself uses
// (hclwrite), which the npm package @cdktf/hcl-tools holds as WebAssembly: node terraform_fmt.js FILE...
const { format } = require("@cdktf/hcl-tools");
const { readFileSync } = require("node:fs");

(async () => {
  const other = [];
  for (const file of process.argv.slice(2)) {
    const text = readFileSync(file, "utf8");
    // The package trims the end, so that is compared apart: one line feed.
    if ((await format(text)).trimEnd() + "\n" !== text) other.push(file);
  }
  other.forEach((file) => console.log(file));
  process.exitCode = other.length > 0 ? 1 : 0;
})();
