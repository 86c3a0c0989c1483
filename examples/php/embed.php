<?php

/**
 * Runs a sentinel inside the program for a while; `redis-cli -p <port>` may ask it.
 */

declare(strict_types=1);

require __DIR__ . '/../../bindings-c/php/autoload.php'; // with Composer: vendor/autoload.php

use Sentinelle\Sentinel;

$sentinel = new Sentinel(
    ['listen' => '127.0.0.1:0'],
    ['mymaster' => ['host' => '127.0.0.1', 'port' => (int) ($argv[1] ?? 6379), 'quorum' => 1, 'down_after_ms' => 1000]],
);
echo "listening on {$sentinel->address()}\n";

// The first events tell what it finds: +monitor, +slave, +sentinel. Your program would go on.
for ($heard = 0; $heard < 5 && ($event = $sentinel->nextEvent(2000)) !== null; $heard++) {
    echo "$event->name $event->text\n";
}
$sentinel->stop();
