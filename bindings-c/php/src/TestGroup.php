<?php

declare(strict_types=1);

namespace Sentinelle;

/**
 * Real servers and sentinels for a test suite: by default a master, two replicas, three sentinels, quorum 2.
 *
 * Members are named `server-0`, `sentinel-2` and `client`; `master` and `replica` mean whoever is at the moment. All processes
 * end with the object, and with this program in any case.
 */
final class TestGroup extends Handle
{
    protected static function freeing(): string
    {
        return 'snl_testgroup_free';
    }

    /**
     * Starts a group; returns when it is ready.
     *
     * @param array<string, mixed> $options by key, such as `replicas`, `sentinel_count`, `quorum`, `down_after_ms`, `backend`
     * @throws Exception\NoServerException when no server program is found
     */
    public function __construct(array $options = [])
    {
        $config = new Config($options);
        $out = Library::place('snl_testgroup *');
        Library::call('snl_testgroup_start', $config->handle(), $out);
        $this->own($out[0]);
    }

    /** Where clients find the master, ready for a Pool. */
    public function url(): string
    {
        return Library::ffi()->snl_testgroup_url($this->handle());
    }

    /** The name under which clients ask for the master. */
    public function name(): string
    {
        return Library::ffi()->snl_testgroup_name($this->handle());
    }

    /** The address of a member, as `host:port`. */
    public function address(string $member): string
    {
        return $this->reply('snl_testgroup_address', $member);
    }

    /** Runs a command on a member, over a connection of its own that suffers what clients suffer. */
    public function command(string $member, string ...$words): mixed
    {
        $command = new Command($words);
        $out = Library::place('snl_reply *');
        Library::call('snl_testgroup_command', $this->handle(), $member, $command->handle(), $out);
        return Reply::takeOrThrow($out[0]);
    }

    /**
     * Inflicts any fault: `slow`, `cut`, `partition`, `fill-disk`, `priority` and others.
     *
     * @param array<string, string|int> $arguments by name: `['from' => 'client', 'to' => 'master', 'latency_ms' => 50]`
     * @throws Exception\ConfigException naming what it does not know
     */
    public function fault(string $fault, array $arguments = []): void
    {
        $pairs = [];
        foreach ($arguments as $key => $value) {
            array_push($pairs, "$key\0", "$value\0");
        }
        $held = Words::hold($pairs);
        try {
            Library::call('snl_testgroup_fault', $this->handle(), $fault, $held->argv, $held->count);
        } finally {
            $held->release();
        }
    }

    /** Kills a member like a power failure would. */
    public function kill(string $member): void
    {
        $this->fault('kill', ['member' => $member]);
    }

    /** Starts a member again that was killed. */
    public function restart(string $member): void
    {
        $this->fault('restart', ['member' => $member]);
    }

    /** Stops a member in its tracks: its connections stay open, it answers nothing. */
    public function pause(string $member): void
    {
        $this->fault('pause', ['member' => $member]);
    }

    /** Lets a paused member go on. */
    public function resume(string $member): void
    {
        $this->fault('resume', ['member' => $member]);
    }

    /** Cuts a member off from everybody, the clients too. */
    public function isolate(string $member): void
    {
        $this->fault('isolate', ['member' => $member]);
    }

    /** Undoes every fault. */
    public function heal(): void
    {
        $this->fault('heal');
    }

    /** Has the sentinels promote a replica, and waits until all agree. */
    public function failover(): void
    {
        Library::call('snl_testgroup_failover', $this->handle());
    }

    /**
     * Waits for a condition: `ready`, `synced`, `agreement`, or `switched` (another master than at the call).
     *
     * @throws Exception\TimeoutException with the state of the group
     */
    public function wait(string $condition): void
    {
        Library::call('snl_testgroup_wait', $this->handle(), $condition);
    }

    /** Makes the group fit for the next test: heals it, removes all data, and waits until it is ready. */
    public function reset(): void
    {
        Library::call('snl_testgroup_reset', $this->handle());
    }

    /** @return array<string, mixed> the group at this moment */
    public function view(): array
    {
        $out = Library::place('snl_reply *');
        Library::call('snl_testgroup_view_json', $this->handle(), $out);
        return Reply::takeJson($out[0]);
    }

    /** All that a member has logged. */
    public function logs(string $member): string
    {
        return $this->reply('snl_testgroup_logs', $member);
    }

    /** Ends all its processes. */
    public function close(): void
    {
        $this->free();
    }

    private function reply(string $function, string $member): string
    {
        $out = Library::place('snl_reply *');
        Library::call($function, $this->handle(), $member, $out);
        return Reply::take($out[0]);
    }
}
