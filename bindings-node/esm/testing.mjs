// Decides what `import ... from 'sentinelle/testing'` gives: the very same objects as `require`.
import testing from '../lib/testing/index.js';

export const { TestGroup, TestNode, useGroup, globalSetup, fromEnv } = testing;
export default testing;
