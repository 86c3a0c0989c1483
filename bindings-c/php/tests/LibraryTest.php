<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use PHPUnit\Framework\TestCase;
use Sentinelle\Library;

final class LibraryTest extends TestCase
{
    public function test_the_library_tells_its_version(): void
    {
        $this->assertMatchesRegularExpression('/^\d+\.\d+\.\d+/', Library::ffi()->snl_version());
        $this->assertSame(1, Library::ffi()->snl_abi());
    }

    public function test_the_environment_says_first_where_the_library_is(): void
    {
        $path = fn (string $wished): string =>
            said_by('echo Sentinelle\Library::path();', [], ['SENTINELLE_LIBRARY' => $wished]);

        $this->assertSame('/somewhere/libsentinelle.so', $path('/somewhere/libsentinelle.so'));
        $this->assertSame('libsentinelle.so.1', $path(''));
    }

    public function test_a_missing_library_is_named(): void
    {
        $said = said_by('Sentinelle\Library::ffi();', [], ['SENTINELLE_LIBRARY' => '/no/such/libsentinelle.so']);

        $this->assertStringContainsString('/no/such/libsentinelle.so', $said);
    }

    public function test_a_preloaded_library_serves_the_script(): void
    {
        // As root PHP wants to be told a user, and the header in a setting of its own.
        $header = tempnam(sys_get_temp_dir(), 'sentinelle');
        file_put_contents($header, Library::headerFor(Library::path()));
        $flags = ['-d', 'opcache.enable_cli=1', '-d', 'opcache.preload=' . dirname(__DIR__) . '/preload.php'];
        if (posix_geteuid() === 0) {
            array_push($flags, '-d', 'opcache.preload_user=root', '-d', "ffi.preload=$header");
        }

        $said = said_by('echo FFI::scope("SENTINELLE")->snl_abi(), Sentinelle\Library::ffi()->snl_abi();', $flags);

        unlink($header);
        $this->assertSame('11', $said);
    }
}
