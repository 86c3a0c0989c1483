<?php

/**
 * Decides where each class of the package is found; Composer loads this file, and so may you without Composer.
 */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (!str_starts_with($class, 'Sentinelle\\')) {
        return;
    }
    $name = substr($class, strlen('Sentinelle\\'));
    // The exceptions are one line each and stand together.
    $file = __DIR__ . '/src/' . (str_starts_with($name, 'Exception\\') ? 'exceptions' : $name) . '.php';
    if (is_file($file)) {
        require_once $file;
    }
});
