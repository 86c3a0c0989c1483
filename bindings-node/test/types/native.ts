// Holds the hand-written types against those that the build generates: what one side has, the other must have.
import type { NativeDiscovery, NativeGroup, NativeSentinel } from '../../generated.js';
import type { Discovery, Sentinel } from '../../types/index.js';
import type { TestGroup } from '../../types/testing.js';

/** Compiles when every name of `Names` is one of `Known`. */
type Covered<Names extends string, Known extends string> = [Exclude<Names, Known>] extends [never] ? true : ['missing', Exclude<Names, Known>];

/** Names of the native part that have another name, or none of their own, in the public types. */
type SentinelNames = Exclude<keyof NativeSentinel & string, 'listen' | 'status' | 'stop'> | 'messages' | 'masters' | 'close';
type DiscoveryNames = Exclude<keyof NativeDiscovery & string, 'refresh' | 'watch' | 'listen'> | 'topology';
type GroupNames = Exclude<keyof NativeGroup & string, 'members' | 'command' | 'waitRole' | 'waitMasterOtherThan' | 'logs'> | 'nodes' | 'failover';

export const sentinel: Covered<SentinelNames, keyof Sentinel & string> = true;
export const discovery: Covered<DiscoveryNames, keyof Discovery & string> = true;
export const group: Covered<GroupNames, keyof TestGroup & string> = true;
