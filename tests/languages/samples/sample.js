/**
 * Greets.
 * @param {string} [name="x"] who
 */
function greet(name = "x") { return name; }
class K { m(a) {} static s = 1; }
module.exports = { greet, K };
