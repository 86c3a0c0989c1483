<?php

/**
 * How long a call takes from PHP: an empty one, a GET through the pool, and the same GET through phpredis, in turns.
 */

declare(strict_types=1);

require __DIR__ . '/../php/autoload.php';

use Sentinelle\Discovery;
use Sentinelle\Library;
use Sentinelle\Pool;

const ROUNDS = 21;

/** How long one of so many calls takes, in nanoseconds. */
function nanoseconds(callable $call, int $calls): float
{
    $begin = hrtime(true);
    for ($i = 0; $i < $calls; $i++) {
        $call();
    }
    return (hrtime(true) - $begin) / $calls;
}

/** @param list<float> $values */
function median(array $values): float
{
    sort($values);
    return $values[intdiv(count($values), 2)];
}

$url = getenv('SENTINELLE_URL');
$pool = new Pool($url);
$pool->set('key', '0123456789abcdef');
$ffi = Library::ffi();
[$host, $port] = explode(':', (new Discovery($url))->master('mymaster')->master);
$redis = new Redis();
$redis->connect($host, (int) $port);

[$empty, $ours, $theirs] = [[], [], []];
for ($round = 0; $round < ROUNDS; $round++) {
    $empty[] = nanoseconds(fn () => $ffi->snl_abi(), 100_000);
    $ours[] = nanoseconds(fn () => $pool->get('key'), 3000);
    $theirs[] = nanoseconds(fn () => $redis->get('key'), 3000);
}
printf("PHP: a call that does nothing       %8.1f ns\n", median($empty));
printf("PHP: GET, Sentinelle\\Pool           %8.2f us\n", median($ours) / 1000);
printf("PHP: GET, phpredis                  %8.2f us\n", median($theirs) / 1000);
printf("PHP: commands of ours / theirs      %8.2f\n", median($theirs) / median($ours));
