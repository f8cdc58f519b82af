/** Adds numbers.
 * @param a - the first `x`
 * @param {number} b the second
 * @returns the sum
 * @throws {RangeError} when too big
 * @example
 * add(1, 2)
 */
export function add(a: number, b: number = 2): number { if (a > 9) { throw new RangeError("x"); } return a + b; }
function hidden() { return add(1); }
/** A thing. */
export default class Thing<T> extends Base implements Other {
  /** the x */
  readonly x?: number = 1;
  private y = 2;
  #z = 3;
  constructor(private q: string, ...rest: T[]) { super(); }
  /** Does it. */
  static async make(a: Record<string, (x: number) => void>): Promise<void> { await add(1); }
  get p(): number { return this.make(1); }
}
export const arrow = async (a: string): Promise<string> => a;
export const LIMIT: number = 3;
export interface Shape { area: number; scale(by: number): Shape }
export type Id = string | number;
export enum Color { Red = 1, Green }
const late = () => 1;
export { late };
