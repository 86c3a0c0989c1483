<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Library;

/** PHP-FPM with workers of its own in a temporary folder, and a client that speaks FastCGI with it. */
final class Fpm
{
    /** Of the records of FastCGI 1.0. */
    private const BEGIN = 1;
    private const END = 3;
    private const PARAMS = 4;
    private const STDIN = 5;
    private const STDOUT = 6;
    private const STDERR = 7;

    private string $folder;
    /** @var resource */
    private $process;

    /**
     * Starts it; returns when it accepts requests.
     *
     * @param bool $preloads whether it preloads the package, as the README says; else every request may use FFI
     */
    public function __construct(bool $preloads, int $workers)
    {
        $this->folder = sys_get_temp_dir() . '/sentinelle-fpm-' . bin2hex(random_bytes(6));
        mkdir($this->folder, 0700);
        $is_root = posix_geteuid() === 0;
        file_put_contents("$this->folder/fpm.conf", implode("\n", [
            '[global]',
            "error_log = $this->folder/log",
            'daemonize = no',
            '[www]',
            "listen = $this->folder/socket",
            'pm = static',
            "pm.max_children = $workers",
            'clear_env = no',
            'catch_workers_output = yes',
            ...($is_root ? ['user = root', 'group = root'] : []),
            '',
        ]));
        file_put_contents("$this->folder/sentinelle.h", Library::headerFor(Library::path()));
        $settings = $preloads
            ? ['opcache.enable=1', 'opcache.preload=' . dirname(__DIR__) . '/preload.php', "ffi.preload=$this->folder/sentinelle.h"]
            : ['ffi.enable=1'];
        if ($preloads && $is_root) {
            $settings[] = 'opcache.preload_user=root';
        }
        $command = [self::program(), '--nodaemonize', '--fpm-config', "$this->folder/fpm.conf"];
        if ($is_root) {
            $command[] = '--allow-to-run-as-root';
        }
        foreach ($settings as $setting) {
            array_push($command, '-d', $setting);
        }
        $said = ['file', "$this->folder/said", 'w'];
        $pipes = [];
        $this->process = proc_open($command, [0 => ['file', '/dev/null', 'r'], 1 => $said, 2 => $said], $pipes);
        $this->await();
    }

    /** The program of the version that runs the tests. */
    public static function program(): string
    {
        $version = PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION;
        foreach (["/usr/sbin/php-fpm$version", '/usr/sbin/php-fpm'] as $program) {
            if (is_executable($program)) {
                return $program;
            }
        }
        throw new \RuntimeException("PHP-FPM $version is not installed");
    }

    /** Everything it has said until now. */
    public function said(): string
    {
        return @file_get_contents("$this->folder/said") . @file_get_contents("$this->folder/log");
    }

    /**
     * Sends requests at the same moment, so that several workers serve them.
     *
     * @param list<array<string, string>> $queries
     * @return list<array<string, mixed>> what the script has answered to each
     */
    public function ask(array $queries): array
    {
        $streams = array_map(fn (array $query) => $this->send($query), $queries);
        return array_map(fn ($stream): array => $this->answer($stream), $streams);
    }

    public function stop(): void
    {
        proc_terminate($this->process, SIGTERM);
        proc_close($this->process);
        array_map(unlink(...), glob("$this->folder/*"));
        rmdir($this->folder);
    }

    private function await(): void
    {
        $deadline = hrtime(true) + 30e9;
        while (($stream = @stream_socket_client("unix://$this->folder/socket")) === false) {
            if (hrtime(true) > $deadline || !proc_get_status($this->process)['running']) {
                throw new \RuntimeException('PHP-FPM does not accept requests: ' . $this->said());
            }
            usleep(5000);
        }
        fclose($stream);
    }

    /**
     * @param array<string, string> $query
     * @return resource
     */
    private function send(array $query)
    {
        $stream = stream_socket_client("unix://$this->folder/socket");
        stream_set_timeout($stream, 60);
        $params = '';
        $values = [
            'SCRIPT_FILENAME' => __DIR__ . '/fpm/request.php',
            'REQUEST_METHOD' => 'GET',
            'QUERY_STRING' => http_build_query($query),
        ];
        foreach ($values as $name => $value) {
            $params .= pack('NN', strlen($name) | 1 << 31, strlen($value) | 1 << 31) . $name . $value;
        }
        fwrite($stream, self::record(self::BEGIN, pack('nCx5', 1, 0)) . self::record(self::PARAMS, $params)
            . self::record(self::PARAMS, '') . self::record(self::STDIN, ''));
        return $stream;
    }

    private static function record(int $type, string $content): string
    {
        return pack('CCnnCx', 1, $type, 1, strlen($content), 0) . $content;
    }

    /**
     * @param resource $stream
     * @return array<string, mixed>
     */
    private function answer($stream): array
    {
        [$said, $complained] = ['', ''];
        do {
            $head = stream_get_contents($stream, 8);
            if (strlen((string) $head) < 8) {
                throw new \RuntimeException("PHP-FPM hung up: $said $complained {$this->said()}");
            }
            ['type' => $type, 'length' => $length, 'padding' => $padding] = unpack('Cversion/Ctype/nid/nlength/Cpadding', $head);
            $content = $length + $padding > 0 ? substr(stream_get_contents($stream, $length + $padding), 0, $length) : '';
            $said .= $type === self::STDOUT ? $content : '';
            $complained .= $type === self::STDERR ? $content : '';
        } while ($type !== self::END);
        fclose($stream);
        $answer = json_decode(explode("\r\n\r\n", $said, 2)[1] ?? '', true);
        if (!is_array($answer)) {
            throw new \RuntimeException("no answer of the script: $said $complained {$this->said()}");
        }
        return $answer;
    }
}
