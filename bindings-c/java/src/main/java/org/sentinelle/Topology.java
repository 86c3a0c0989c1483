package org.sentinelle;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sentinelle.internal.Abi;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Frame;

/**
 * One master as it was at one moment.
 *
 * @param generation 0 before the first master, one more with each switch
 * @param phase what goes on: {@code resolving}, {@code up}, {@code suspect}, {@code hold} (writes should wait), {@code down}
 * @param epoch the configuration epoch of the sentinels
 * @param master the master, once it is verified
 * @param replicas those that may be read from
 * @param sentinels those that are known
 * @param json everything as one JSON object
 */
public record Topology(
        long generation,
        String phase,
        long epoch,
        Optional<Address> master,
        List<Address> replicas,
        List<Address> sentinels,
        String json) {

    static Topology take(long handle) {
        Bridge bridge = Bridge.get();
        Abi abi = bridge.abi();
        try {
            return new Topology(
                    abi.snl_topology_gen(handle),
                    bridge.text(abi.snl_topology_phase(handle)),
                    abi.snl_topology_epoch(handle),
                    nodes(handle, 0).stream().findFirst(),
                    nodes(handle, 1),
                    nodes(handle, 2),
                    bridge.text(abi.snl_topology_json(handle)));
        } finally {
            abi.snl_topology_free(handle);
        }
    }

    private static List<Address> nodes(long handle, int role) {
        List<Address> nodes = new ArrayList<>();
        try (Frame frame = Frame.open()) {
            long host = frame.slot();
            long port = frame.slot();
            long count = frame.abi().snl_topology_count(handle, role);
            for (long index = 0; index < count; index++) {
                frame.check(frame.abi().snl_topology_node(handle, role, index, host, port));
                nodes.add(new Address(frame.textAt(frame.read(host)), frame.readInt(port)));
            }
        }
        return nodes;
    }
}
