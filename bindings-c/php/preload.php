<?php

/**
 * Loads the library and every class once for all workers: `opcache.preload=/path/to/this/file` in php.ini.
 *
 * With it `ffi.enable=preload`, PHP's default, is enough under FPM.
 */

declare(strict_types=1);

require_once __DIR__ . '/autoload.php';

foreach (glob(__DIR__ . '/src/*.php') as $file) {
    require_once $file;
}

Sentinelle\Library::preload();
