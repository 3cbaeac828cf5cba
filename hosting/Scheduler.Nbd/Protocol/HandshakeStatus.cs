namespace Scheduler.Nbd.Protocol;

/// <summary>Where a handshake stands after a step.</summary>
public enum HandshakeStatus
{
    /// <summary>Nothing was consumed: the next message is not whole yet. Receive more and call again.</summary>
    NeedMore,

    /// <summary>Something was consumed. Send the output and call again with the rest.</summary>
    Continue,

    /// <summary>TLS is agreed on. Send the output, then begin TLS; the handshake goes on inside it with
    /// <see cref="Handshake.Secured"/>, and this one is over.</summary>
    StartTls,

    /// <summary>An export is chosen. Send the output; the rest of the input is requests.</summary>
    Transmission,

    /// <summary>The connection is over. Send the output, if there is any, and close.</summary>
    Closed,
}
