<?php

/**
 * Loads the package, and what its tests have in common.
 */

declare(strict_types=1);

namespace Sentinelle\Tests;

require_once dirname(__DIR__) . '/autoload.php';
require_once __DIR__ . '/GroupCase.php';
require_once __DIR__ . '/Fpm.php';

/** What a PHP process of its own prints, with the package loaded. */
function said_by(string $code, array $flags = [], array $env = []): string
{
    $code = 'require_once ' . var_export(dirname(__DIR__) . '/autoload.php', true) . '; ' . $code;
    $pipes = [];
    $process = proc_open(
        [PHP_BINARY, ...$flags, '-r', $code],
        [1 => ['pipe', 'w'], 2 => ['redirect', 1]],
        $pipes,
        null,
        $env + getenv(),
    );
    $said = stream_get_contents($pipes[1]);
    proc_close($process);
    return trim($said);
}
