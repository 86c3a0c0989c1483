// How vitest runs its file here: a group takes longer to start than a hook may by default.
export default { test: { include: ['vitest.mjs'], hookTimeout: 120_000, testTimeout: 120_000 } };
