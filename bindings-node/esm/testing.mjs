// Decides what `import ... from 'sentinelle/testing'` gives: the very same objects as `require`.
import testing from '../lib/testing/index.js';

export const { TestGroup, TestNode, useGroup, globalSetup, fromEnv } = testing;
export default testing;

// Only who imports vitest gets its hooks, and only a module can import it.
if (process.env.VITEST) await import('vitest').then(testing.offerHooks, () => {});
