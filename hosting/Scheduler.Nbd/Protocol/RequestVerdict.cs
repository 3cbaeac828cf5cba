namespace Scheduler.Nbd.Protocol;

/// <summary>What to do with a request.</summary>
public enum RequestFate : byte
{
    /// <summary>Receive its payload and carry it out.</summary>
    Accept,

    /// <summary>Discard its payload and reply with the error; the connection goes on.</summary>
    Refuse,

    /// <summary>End the connection without a reply to it.</summary>
    Close,
}

/// <summary>The result of <see cref="RequestCheck.Check"/>.</summary>
/// <param name="Fate">What to do.</param>
/// <param name="Error">Why it is refused; <see cref="NbdError.None"/> otherwise.</param>
/// <param name="PayloadBytes">Bytes after the header that belong to the request, to be received or discarded by
/// <paramref name="Fate"/>. Only a write has any: up to <see cref="ExportInfo.MaxPayload"/> if accepted, up to
/// <see cref="RequestCheck.DiscardBytesMax"/> if refused.</param>
/// <param name="Reason">Why the connection ends; <see cref="CloseReason.None"/> otherwise.</param>
public readonly record struct RequestVerdict(RequestFate Fate, NbdError Error, int PayloadBytes, CloseReason Reason)
{
    /// <summary>Carry it out.</summary>
    /// <param name="payloadBytes">Bytes to receive first.</param>
    /// <returns>The verdict.</returns>
    public static RequestVerdict Accept(int payloadBytes) =>
        new(RequestFate.Accept, NbdError.None, payloadBytes, CloseReason.None);

    /// <summary>Reply with an error.</summary>
    /// <param name="error">The error; not <see cref="NbdError.None"/>.</param>
    /// <param name="payloadBytes">Bytes to discard.</param>
    /// <returns>The verdict.</returns>
    public static RequestVerdict Refuse(NbdError error, int payloadBytes) =>
        new(RequestFate.Refuse, error, payloadBytes, CloseReason.None);

    /// <summary>End the connection.</summary>
    /// <param name="reason">Why.</param>
    /// <returns>The verdict.</returns>
    public static RequestVerdict Close(CloseReason reason) => new(RequestFate.Close, NbdError.None, 0, reason);
}
