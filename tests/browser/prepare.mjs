// Makes the state that the tests copy. Run once before them.
import { missing, prepare } from "./drive.mjs";

const lack = await missing();
if (lack) console.log(`skipped: ${lack}`);
else prepare();
