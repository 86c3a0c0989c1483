package org.sentinelle.internal;

import org.sentinelle.SentinelleException;

/** Decides which exception a code becomes. */
public final class Failures {
    private Failures() {}

    /** The exception of a code and an error object, which is freed; 0 when there is none. */
    public static SentinelleException of(Bridge bridge, int code, long error) {
        Abi abi = bridge.abi();
        if (error == 0) {
            String name = bridge.text(abi.snl_code_name(code));
            return SentinelleException.of(code, new SentinelleException.Facts(name, null, false, "", "", "{}"));
        }
        try {
            int outcome = abi.snl_error_outcome(error);
            SentinelleException.Outcome known =
                    outcome < 0 ? null : SentinelleException.Outcome.values()[outcome];
            return SentinelleException.of(
                    code,
                    new SentinelleException.Facts(
                            bridge.text(abi.snl_error_message(error)),
                            known,
                            abi.snl_error_retryable(error) == 1,
                            bridge.text(abi.snl_error_server_code(error)),
                            bridge.text(abi.snl_error_address(error)),
                            bridge.text(abi.snl_error_detail_json(error))));
        } finally {
            abi.snl_error_free(error);
        }
    }
}
