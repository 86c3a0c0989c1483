<?php

declare(strict_types=1);

namespace Sentinelle;

use Sentinelle\Exception\ArgumentException;

/**
 * Decides how PHP values become options of the library: a URL, or an array of the keys in the option table.
 *
 * @internal
 */
final class Config extends Handle
{
    /** @var array<string, string>|null the kind of each option */
    private static ?array $kinds = null;

    protected static function freeing(): string
    {
        return 'snl_config_free';
    }

    /** @param string|array<string, mixed> $options a URL, or options by key; the key `url` may hold a URL too */
    public function __construct(string|array $options = [])
    {
        Library::enter();
        $out = Library::place('snl_config *');
        Library::call('snl_config_new', $out);
        $this->own($out[0]);
        if (is_string($options)) {
            $options = ['url' => $options];
        }
        foreach ($options as $key => $value) {
            match ($key) {
                'url' => $this->load(self::text($key, $value), 1),
                'conf' => $this->load(self::text($key, $value), 2),
                default => $this->set((string) $key, $value),
            };
        }
    }

    /** @param array<string, mixed> $options */
    public function monitor(string $name, string $host, int $port, int $quorum, array $options): void
    {
        $options = new self($options);
        Library::call('snl_config_monitor', $this->handle(), $name, $host, $port, $quorum, $options->handle());
    }

    private function load(string $text, int $format): void
    {
        Library::call('snl_config_load', $this->handle(), $text, strlen($text), $format);
    }

    private function set(string $key, mixed $value): void
    {
        if (is_array($value) && (self::kinds()[$key] ?? '') === 'lines') {
            foreach ($value as $line) {
                $this->set($key, $line);
            }
            return;
        }
        $text = self::text($key, $value);
        Library::call('snl_config_set', $this->handle(), $key, $text, strlen($text));
    }

    /** The value as the option table wants it. */
    private static function text(string $key, mixed $value): string
    {
        return match (true) {
            is_string($value), is_int($value), $value instanceof \Stringable => (string) $value,
            is_bool($value) => $value ? 'yes' : 'no',
            is_array($value) => self::joined($key, $value),
            default => throw new ArgumentException("option $key: cannot be of type " . get_debug_type($value), -1),
        };
    }

    /** A list has commas between, a map `=` in each pair. */
    private static function joined(string $key, array $values): string
    {
        $parts = [];
        foreach ($values as $from => $value) {
            $parts[] = (is_string($from) ? "$from=" : '') . self::text($key, $value);
        }
        return implode(',', $parts);
    }

    /** @return array<string, string> */
    private static function kinds(): array
    {
        return self::$kinds ??= array_column(
            json_decode(Library::ffi()->snl_config_keys_json(), true, 512, JSON_THROW_ON_ERROR),
            'kind',
            'key',
        );
    }
}
