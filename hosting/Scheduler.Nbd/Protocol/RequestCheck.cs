namespace Scheduler.Nbd.Protocol;

/// <summary>
/// The one check of a client's request (S1). What it accepts needs no further look at range, alignment, size or flags.
/// </summary>
/// <remarks>
/// The order of the rules decides which error a request with several faults gets; the specification leaves that open
/// ("Error values"). Here: what is wrong with the request as such first, then read-only, then where it lies, then how
/// long it is.
/// </remarks>
public static class RequestCheck
{
    /// <summary>
    /// Longest payload of a refused write that is read and thrown away to keep the connection in step, in bytes. What
    /// is longer may count as an attack (section "Size constraints" draws that line at 32 MiB), so the connection is
    /// dropped.
    /// </summary>
    public const int DiscardBytesMax = 2 * NbdConstants.PayloadBytesMax;

    /// <summary>Judges a request.</summary>
    /// <param name="request">As it was received.</param>
    /// <param name="export">What the connection serves.</param>
    /// <param name="negotiated">What the handshake agreed on.</param>
    /// <returns>Accept, refuse with an error, or close.</returns>
    public static RequestVerdict Check(in RequestHeader request, ExportInfo export, Negotiated negotiated)
    {
        if (request.Magic != NbdConstants.RequestMagic)
            return RequestVerdict.Close(CloseReason.BadMagic);

        // Its offset and length must be zero; but it has no reply in which a client could be told so.
        if (request.Command == NbdCommand.Disconnect)
            return RequestVerdict.Close(CloseReason.ClientDisconnected);

        uint payload = request.Command == NbdCommand.Write ? request.Length : 0;
        if (payload > DiscardBytesMax)
            return RequestVerdict.Close(CloseReason.PayloadTooLong);

        NbdError error = Fault(request, export, negotiated);
        return error == NbdError.None
            ? RequestVerdict.Accept((int)payload)
            : RequestVerdict.Refuse(error, (int)payload);
    }

    private static NbdError Fault(in RequestHeader request, ExportInfo export, Negotiated negotiated)
    {
        // "Error values": an unknown command is an error, and so is a flag that is not documented for the command.
        if (AllowedFlags(request.Command, negotiated) is not { } allowed || (request.Flags & ~allowed) != 0)
            return NbdError.EINVAL;

        if (request.Command == NbdCommand.Flush)
            return request.Offset == 0 && request.Length == 0 ? NbdError.None : NbdError.EINVAL;
        if (request.Command == NbdCommand.BlockStatus && !negotiated.BaseAllocation)
            return NbdError.EINVAL;
        if (export.ReadOnly && Writes(request.Command))
            return NbdError.EPERM;

        // The specification leaves a length of zero open, other than that the connection should survive it.
        if (request.Length == 0)
            return NbdError.EINVAL;

        // Compared without a sum: offset plus length may exceed 64 bits.
        ulong size = (ulong)export.Size;
        if (request.Offset > size || request.Length > size - request.Offset)
            return request.Command is NbdCommand.Write or NbdCommand.WriteZeroes ? NbdError.ENOSPC : NbdError.EINVAL;

        if (((request.Offset | request.Length) & (ulong)(export.MinBlock - 1)) != 0)
            return NbdError.EINVAL;

        // EOVERFLOW tells a client to try again with less ("NBD_CMD_READ", structured replies); to one that did not
        // negotiate them, and to writes, the specification does not offer it.
        if (request.Command == NbdCommand.Read && request.Length > export.MaxPayload)
            return negotiated.StructuredReplies ? NbdError.EOVERFLOW : NbdError.EINVAL;
        if (request.Command == NbdCommand.Write && request.Length > export.MaxPayload)
            return NbdError.EINVAL;
        return NbdError.None;
    }

    /// <summary>
    /// The flags that a command takes, or null if it is unknown. FUA goes with every command: a server that offers it
    /// must accept it everywhere.
    /// </summary>
    private static NbdCommandFlags? AllowedFlags(NbdCommand command, Negotiated negotiated)
    {
        return command switch
        {
            NbdCommand.Read when negotiated.StructuredReplies => NbdCommandFlags.Fua | NbdCommandFlags.DontFragment,
            NbdCommand.WriteZeroes => NbdCommandFlags.Fua | NbdCommandFlags.NoHole | NbdCommandFlags.FastZero,
            NbdCommand.BlockStatus => NbdCommandFlags.Fua | NbdCommandFlags.RequestOne,
            NbdCommand.Read or NbdCommand.Write or NbdCommand.Flush or NbdCommand.Trim or NbdCommand.Cache =>
                NbdCommandFlags.Fua,
            _ => null,
        };
    }

    private static bool Writes(NbdCommand command) =>
        command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;
}
