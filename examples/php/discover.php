<?php

/**
 * Finds the master, its replicas and its sentinels: `php discover.php redis+sentinel://127.0.0.1:26379/mymaster mymaster`.
 */

declare(strict_types=1);

require __DIR__ . '/../../bindings-c/php/autoload.php'; // with Composer: vendor/autoload.php

use Sentinelle\Discovery;
use Sentinelle\Exception\SentinelleException;

$discovery = new Discovery($argv[1] ?? 'redis+sentinel://127.0.0.1:26379/mymaster');
try {
    $topology = $discovery->master($argv[2] ?? 'mymaster');
} catch (SentinelleException $exception) {
    exit($exception->getMessage() . "\n" . implode("\n", $exception->evidence) . "\n");
}

echo "master   $topology->master\n";
foreach ($topology->replicas as $replica) {
    echo "replica  $replica\n";
}
foreach ($topology->sentinels as $sentinel) {
    echo "sentinel $sentinel\n";
}
