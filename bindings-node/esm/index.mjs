// Decides what `import ... from 'sentinelle'` gives: the very same objects as `require`.
import sentinelle from '../lib/index.js';

export const { Sentinel, Discovery, SentinelleError, ReplyError, PipelineError, binding } = sentinelle;
export default sentinelle;
