// Test-time oracle: one JSON string per input line, mldoc's syntax tree per output line. Never shipped.
const { createRequire } = require("module");
const { Mldoc } = createRequire(process.argv[2] + "/")("mldoc");
const config = JSON.stringify({
  toc: false, parse_outline_only: false, heading_number: false, keep_line_break: true, format: "Markdown",
  heading_to_list: false, exporting_keep_properties: true, inline_type_with_pos: false, inline_skip_macro: false,
  export_md_indent_style: "dashes", export_md_remove_options: [], hiccup_in_block: true,
});
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(Mldoc.parseJson(JSON.parse(line), config) + "\n");
});
