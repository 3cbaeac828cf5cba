namespace Scheduler.Nbd.Protocol;

/// <summary>What TLS is to a handshake (section "TLS support").</summary>
public enum HandshakeTls
{
    /// <summary>The server has none: NOTLS mode.</summary>
    None,

    /// <summary>The client may ask for it: SELECTIVETLS mode.</summary>
    Offered,

    /// <summary>Nothing else is answered before it: FORCEDTLS mode.</summary>
    Required,

    /// <summary>The handshake runs inside it.</summary>
    Active,

    /// <summary>The handshake runs inside it, and policy forbids the client everything: its certificate is no good.</summary>
    Refused,
}
