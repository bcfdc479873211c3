// The `backplane` command, where a script is asked for.
import { runProcess } from '../../sdk/cli/main.ts';

await runProcess(process.argv.slice(2));
