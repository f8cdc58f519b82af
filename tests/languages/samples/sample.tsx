import { add } from "./util";
/** App. */
export const App = ({ name }: { name: string }) => { add(1, 2); return <div className="x">{name}</div>; };
