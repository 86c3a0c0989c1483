<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI\CData;

/** One master as it was at one moment. */
final class Topology
{
    private function __construct(
        /** The name the sentinels monitor it under. */
        public readonly string $name,
        /** 0 before the first master, one more with each switch. */
        public readonly int $generation,
        /** The configuration epoch of the sentinels. */
        public readonly int $epoch,
        /** The master, as `host:port`; null before any was found. */
        public readonly ?string $master,
        /** @var list<string> the replicas that may be read from, as `host:port` */
        public readonly array $replicas,
        /** @var list<string> the sentinels, as `host:port` */
        public readonly array $sentinels,
        /** @var array<string, mixed> everything that is known of it, as the JSON of the library has it */
        public readonly array $detail,
    ) {
    }

    /** @internal The topology of a handle, which is freed. */
    public static function take(CData $topology): self
    {
        $ffi = Library::ffi();
        try {
            $detail = json_decode($ffi->snl_topology_json($topology), true, 512, JSON_THROW_ON_ERROR);
            $nodes = array_map(fn (int $role): array => self::nodes($topology, $role), [0, 1, 2]);
            return new self(
                $detail['name'],
                $ffi->snl_topology_gen($topology),
                $ffi->snl_topology_epoch($topology),
                $nodes[0][0] ?? null,
                $nodes[1],
                $nodes[2],
                $detail,
            );
        } finally {
            $ffi->snl_topology_free($topology);
        }
    }

    /** @return list<string> */
    private static function nodes(CData $topology, int $role): array
    {
        $host = Library::place('char *');
        $port = Library::place('int32_t');
        $nodes = [];
        $count = Library::ffi()->snl_topology_count($topology, $role);
        for ($index = 0; $index < $count; $index++) {
            Library::check('snl_topology_node', $topology, $role, $index, $host, $port);
            $name = \FFI::string($host[0]);
            $nodes[] = (str_contains($name, ':') ? "[$name]" : $name) . ':' . $port[0];
        }
        return $nodes;
    }
}
