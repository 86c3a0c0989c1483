<?php

declare(strict_types=1);

namespace Sentinelle;

/** Finds masters through sentinels and watches them; all that are opened with the same options share their connections. */
final class Discovery extends Handle
{
    protected static function freeing(): string
    {
        return 'snl_discovery_free';
    }

    /**
     * Opens a discovery; it begins its search at the first question.
     *
     * @param string|array<string, mixed> $options a URL, or options by key: `['sentinels' => ['a:26379', 'b:26379']]`
     * @throws Exception\ConfigException naming what cannot be used
     */
    public function __construct(string|array $options)
    {
        $config = new Config($options);
        $out = Library::place('snl_discovery *');
        Library::call('snl_discovery_open', $config->handle(), $out);
        $this->own($out[0]);
    }

    /**
     * The picture of a master once it is verified.
     *
     * @throws Exception\MasterUnknownException
     * @throws Exception\MasterNotReadyException
     * @throws Exception\SentinelsUnreachableException each with what every sentinel said, in `evidence`
     */
    public function master(string $name, int $timeoutMs = 5000): Topology
    {
        $out = Library::place('snl_topology *');
        Library::call('snl_discovery_master', $this->handle(), $name, $timeoutMs, $out);
        return Topology::take($out[0]);
    }

    /** Asks the sentinels again; returns when they have answered. */
    public function refresh(string $name, int $timeoutMs = 5000): void
    {
        Library::call('snl_discovery_refresh', $this->handle(), $name, $timeoutMs);
    }

    /** @return list<string> the names of all masters that fit the glob */
    public function masters(string $glob = '*', int $timeoutMs = 5000): array
    {
        $out = Library::place('snl_reply *');
        Library::call('snl_discovery_masters', $this->handle(), $glob, $timeoutMs, $out);
        return Reply::take($out[0]);
    }

    /**
     * Waits until the generation of a master is greater than `$afterGeneration`.
     *
     * @throws Exception\TimeoutException
     */
    public function waitSwitch(string $name, int $afterGeneration, int $timeoutMs = 5000): Topology
    {
        $out = Library::place('snl_topology *');
        Library::call('snl_discovery_wait_switch', $this->handle(), $name, $afterGeneration, $timeoutMs, $out);
        return Topology::take($out[0]);
    }

    /** The next event (`switched`, `hold-start` ..), from the first call on; null when none came in time. */
    public function nextEvent(int $timeoutMs = -1): ?Event
    {
        return Event::next('snl_discovery_event_next', $this, $timeoutMs);
    }

    /**
     * A stream for stream_select: readable while an event waits. Command line only.
     *
     * @return resource
     */
    public function eventStream()
    {
        return Event::streamOf(Library::check('snl_discovery_event_fd', $this->handle()));
    }

    /**
     * A pool over this discovery.
     *
     * @param array<string, mixed> $options of a pool
     */
    public function pool(string $master, array $options = []): Pool
    {
        return Pool::over($this, $master, $options);
    }
}
