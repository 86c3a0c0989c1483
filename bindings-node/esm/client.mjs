// Decides what `import ... from 'sentinelle/client'` gives: the very same objects as `require`.
import client from '../lib/client/index.js';

export const { Client, Lease, Subscription, Pipeline, PipelineError, ReplyError, SentinelleError } = client;
export default client;
