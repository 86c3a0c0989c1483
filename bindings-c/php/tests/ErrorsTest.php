<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use PHPUnit\Framework\TestCase;
use Sentinelle\Config;
use Sentinelle\Discovery;
use Sentinelle\Exception;
use Sentinelle\Exception\SentinelleException;
use Sentinelle\Library;
use Sentinelle\Pool;
use Sentinelle\Sentinel;
use Sentinelle\TestGroup;

final class ErrorsTest extends TestCase
{
    public function test_every_code_has_an_exception_of_its_own(): void
    {
        $header = file_get_contents(dirname(__DIR__, 2) . '/include/sentinelle_ffi.h');
        preg_match_all('/^\s+SNL_E_\w+ = (-\d+),$/m', $header, $found);
        $codes = array_map('intval', $found[1]);
        $this->assertGreaterThan(30, count($codes));

        $classes = array_map([SentinelleException::class, 'classOf'], $codes);

        $this->assertNotContains(SentinelleException::class, $classes);
        $this->assertSame($classes, array_values(array_unique($classes)));
        $this->assertSame([], array_diff(array_keys(SentinelleException::CLASSES), $codes));
        foreach ($codes as $code) {
            $this->assertInstanceOf(SentinelleException::classOf($code), SentinelleException::of($code, 'text'));
            $this->assertNotSame('SNL_E_?', Library::ffi()->snl_code_name($code));
        }
    }

    public function test_an_unknown_code_is_the_common_exception(): void
    {
        $this->assertSame(SentinelleException::class, get_class(SentinelleException::of(-9999, 'text')));
    }

    public function test_an_exception_carries_what_is_known(): void
    {
        try {
            new Pool(['master' => 'm', 'hold_max_ms' => 'soon']);
            $this->fail('it is refused');
        } catch (Exception\ConfigException $exception) {
            $this->assertSame(-4, $exception->getCode());
            $this->assertStringContainsString('hold_max_ms', $exception->getMessage());
            $this->assertNull($exception->outcome);
            $this->assertFalse($exception->retryable);
            $this->assertSame([], $exception->evidence);
        }
    }

    /** @return iterable<string, array{class-string, callable}> */
    public static function wrongArguments(): iterable
    {
        $options = fn (array $options): callable => fn () => new Config($options);
        yield 'an unknown option' => [Exception\ConfigException::class, $options(['holdmax' => 1])];
        yield 'an illegal value' => [Exception\ConfigException::class, $options(['down_after_ms' => 0])];
        yield 'a value of no use' => [Exception\ArgumentException::class, $options(['master' => null])];
        yield 'a float for a whole number' => [Exception\ArgumentException::class, $options(['hold_max_ms' => 1.5])];
        yield 'an object' => [Exception\ArgumentException::class, $options(['master' => new \stdClass()])];
        yield 'text that is not UTF-8' => [Exception\ArgumentException::class, $options(['master' => "\xff"])];
        yield 'a URL of another kind' => [Exception\ConfigException::class, fn () => new Pool('ftp://h/m')];
        yield 'no URL' => [Exception\ConfigException::class, fn () => new Discovery('nonsense')];
        yield 'a master without a port' => [
            Exception\ArgumentException::class,
            fn () => new Sentinel([], ['cart' => ['host' => '127.0.0.1', 'quorum' => 1]]),
        ];
        yield 'a port that no host has' => [
            Exception\ArgumentException::class,
            fn () => new Sentinel([], ['cart' => ['host' => '127.0.0.1', 'port' => 70000, 'quorum' => 1]]),
        ];
        yield 'a file that is not there' => [
            Exception\StorageException::class,
            fn () => new Sentinel(['conf_file' => 'no/such/sentinel.conf']),
        ];
        yield 'an address of another machine' => [
            Exception\ListenException::class,
            fn () => new Sentinel(['listen' => '192.0.2.1:26379']),
        ];
        yield 'a backend that does not exist' => [
            Exception\ConfigException::class,
            fn () => new TestGroup(['backend' => 'imaginary']),
        ];
    }

    /** @dataProvider wrongArguments */
    public function test_wrong_arguments_are_refused(string $class, callable $call): void
    {
        $this->expectException($class);

        $call();
    }

    public function test_values_become_the_texts_of_the_option_table(): void
    {
        $config = new Config([
            'sentinels' => ['a:1', 'b:2'],
            'tls' => true,
            'hold_max_ms' => 700,
            'address_map' => ['10.0.0.1:1' => '127.0.0.1:2'],
            'server_option' => ['maxmemory 10mb', 'hz 50'],
        ]);

        $text = function (string $key) use ($config): string {
            [$value, $length] = [Library::place('char *'), Library::place('size_t')];
            Library::call('snl_config_get', $config->handle(), $key, $value, $length);
            return \FFI::string($value[0], $length[0]);
        };
        $this->assertSame('a:1,b:2', $text('sentinels'));
        $this->assertSame('yes', $text('tls'));
        $this->assertSame('700', $text('hold_max_ms'));
        $this->assertSame('10.0.0.1:1=127.0.0.1:2', $text('address_map'));
        $this->assertSame('hz 50', $text('server_option'));
    }
}
