using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// The server's side of the fixed newstyle handshake of one connection, as a machine over bytes (section "Handshake").
/// Send <see cref="WriteGreeting"/> first, then feed what the client sends to <see cref="Process"/>.
/// </summary>
/// <remarks>
/// It takes any bytes without an exception and holds no input itself. What a client can make it do is bounded by
/// <see cref="MessageBytesMax"/>, <see cref="OptionsMax"/> and <see cref="SkippedBytesMax"/>; time is the caller's to
/// bound.
/// </remarks>
/// <param name="exports">What this client may see.</param>
/// <param name="tls">What TLS is to it.</param>
public sealed class Handshake(IExportDirectory exports, HandshakeTls tls = HandshakeTls.None)
{
    /// <summary>
    /// Longest option data that is looked at, in bytes: beside the longest name there is room for 14 queries as long.
    /// </summary>
    public const int OptionDataBytesMax = 64 * 1024;

    /// <summary>
    /// Bytes of input that the caller must be able to hold: the longest message that is consumed only whole.
    /// </summary>
    public const int MessageBytesMax = OptionHeaderBytes + OptionDataBytesMax;

    /// <summary>
    /// Option data that is discarded over the whole handshake, in bytes; a client that sends more is cut off.
    /// </summary>
    public const int SkippedBytesMax = 32 * 1024 * 1024;

    /// <summary>Options that a client may send: enough to ask for hundreds of exports one by one.</summary>
    public const int OptionsMax = 1000;

    private const int ClientFlagsBytes = 4;
    private const int OptionHeaderBytes = 16;
    private const HandshakeFlags Offered = HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes;

    private HandshakeFlags? _clientFlags;
    private HandshakeStatus _status = HandshakeStatus.NeedMore;
    private int _options;
    private uint _skip;
    private uint _skippable = SkippedBytesMax;
    private bool _structuredReplies;

    /// <summary>What a client that is refused is told, in UTF-8.</summary>
    private byte[] _refusal = [];

    /// <summary>
    /// The export that base:allocation was chosen for, by the name the client used; null if it is not chosen.
    /// </summary>
    private string? _allocationOf;

    /// <summary>The chosen export; set when the status is <see cref="HandshakeStatus.Transmission"/>.</summary>
    public ExportInfo? Export { get; private set; }

    /// <summary>What was agreed on; final when the status is <see cref="HandshakeStatus.Transmission"/>.</summary>
    public Negotiated Negotiated { get; private set; }

    /// <summary>Why the connection is over; set when the status is <see cref="HandshakeStatus.Closed"/>.</summary>
    public CloseReason CloseReason { get; private set; }

    /// <summary>Writes the message with which the server begins: 18 bytes.</summary>
    /// <param name="output">Where to.</param>
    public static void WriteGreeting(IBufferWriter<byte> output) => OptionReplyWriter.Greeting(output, Offered);

    /// <summary>
    /// Takes at most one message of the client, so that the caller can send the answer, which may be a long list,
    /// before the next one is looked at.
    /// </summary>
    /// <param name="input">What was received and not consumed yet.</param>
    /// <param name="consumed">Bytes of <paramref name="input"/> that are done with; above 0 whenever the result is
    /// <see cref="HandshakeStatus.Continue"/>, and 0 whenever it is <see cref="HandshakeStatus.NeedMore"/>.</param>
    /// <param name="output">Where the answer is written to.</param>
    /// <returns>Where the handshake stands. Once it is over every call returns the same and consumes nothing.</returns>
    public HandshakeStatus Process(ReadOnlySpan<byte> input, out int consumed, IBufferWriter<byte> output)
    {
        consumed = 0;
        if (_status is HandshakeStatus.Transmission or HandshakeStatus.Closed or HandshakeStatus.StartTls)
            return _status;

        if (_clientFlags is not { } clientFlags)
            _status = TakeClientFlags(input, ref consumed);
        else if (_skip > 0)
            _status = Skip(input, ref consumed);
        else
            _status = TakeOption(input, clientFlags, ref consumed, output);
        return _status;
    }

    /// <summary>
    /// The handshake that follows this one inside TLS. Of what was agreed on in the clear it has only the client's flags:
    /// anybody between may have sent the rest.
    /// </summary>
    /// <param name="exports">What this client may see, now that TLS may have told who it is.</param>
    /// <returns>The handshake; its bounds begin anew.</returns>
    /// <exception cref="InvalidOperationException">The status is not <see cref="HandshakeStatus.StartTls"/>.</exception>
    public Handshake Secured(IExportDirectory exports) => InTls(exports, HandshakeTls.Active);

    /// <summary>
    /// Like <see cref="Secured"/>, of a client whose certificate is no good: whatever it asks for is refused with
    /// <see cref="NbdOptionReply.ErrorPolicy"/> and the reason, so that who is in front of it learns that. TLS itself could not
    /// tell: with TLS 1.3 the client takes it for agreed before the server has seen the certificate.
    /// </summary>
    /// <param name="reason">What the client is told: one line of at most 4096 bytes in UTF-8.</param>
    /// <returns>The handshake; its bounds begin anew. It never gets to <see cref="HandshakeStatus.Transmission"/>.</returns>
    /// <exception cref="InvalidOperationException">The status is not <see cref="HandshakeStatus.StartTls"/>.</exception>
    public Handshake Refused(string reason)
    {
        Handshake refused = InTls(exports, HandshakeTls.Refused);
        refused._refusal = Encoding.UTF8.GetBytes(reason);
        return refused;
    }

    private Handshake InTls(IExportDirectory seen, HandshakeTls mode) => _status == HandshakeStatus.StartTls
        ? new Handshake(seen, mode) { _clientFlags = _clientFlags }
        : throw new InvalidOperationException($"a handshake goes on inside TLS only after {nameof(HandshakeStatus.StartTls)}, not after {_status}");

    private HandshakeStatus TakeClientFlags(ReadOnlySpan<byte> input, ref int consumed)
    {
        if (input.Length < ClientFlagsBytes)
            return HandshakeStatus.NeedMore;

        HandshakeFlags flags = (HandshakeFlags)BinaryPrimitives.ReadUInt32BigEndian(input);
        consumed = ClientFlagsBytes;
        if ((flags & ~Offered) != 0)
            return Close(CloseReason.UnknownClientFlags);
        _clientFlags = flags;
        return HandshakeStatus.Continue;
    }

    private HandshakeStatus Skip(ReadOnlySpan<byte> input, ref int consumed)
    {
        if (input.IsEmpty)
            return HandshakeStatus.NeedMore;
        consumed = (int)Math.Min(_skip, (uint)input.Length);
        _skip -= (uint)consumed;
        return HandshakeStatus.Continue;
    }

    private HandshakeStatus TakeOption(
        ReadOnlySpan<byte> input, HandshakeFlags clientFlags, ref int consumed, IBufferWriter<byte> output)
    {
        if (input.Length < OptionHeaderBytes)
            return HandshakeStatus.NeedMore;

        NbdOption option = (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(input[8..]);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(input[12..]);
        bool tooBig = length > OptionDataBytesMax;
        if (BinaryPrimitives.ReadUInt64BigEndian(input) != NbdConstants.OptionMagic)
            return Close(CloseReason.BadMagic);
        if (_options == OptionsMax)
            return Close(CloseReason.TooManyOptions);
        if (tooBig && length > _skippable)
            return Close(CloseReason.OptionDataTooLong);

        // Without fixed newstyle there is one valid option, and a client that could not make sense of a reply to
        // another.
        if ((clientFlags & HandshakeFlags.FixedNewstyle) == 0 && option != NbdOption.ExportName)
            return Close(CloseReason.NotFixedNewstyle);

        if (!tooBig && input.Length - OptionHeaderBytes < length)
            return HandshakeStatus.NeedMore;

        _options++;
        consumed = OptionHeaderBytes;
        if (tooBig)
        {
            _skip = length;
            _skippable -= length;
            return AnswerTooBig(option, output);
        }

        consumed += (int)length;
        return Answer(option, input.Slice(OptionHeaderBytes, (int)length), clientFlags, output);
    }

    private HandshakeStatus Answer(
        NbdOption option, ReadOnlySpan<byte> data, HandshakeFlags clientFlags, IBufferWriter<byte> output)
    {
        if (option is not (NbdOption.StartTls or NbdOption.Abort) && ForbidsAll(option, output) is { } forbidden)
            return forbidden;
        switch (option)
        {
            case NbdOption.StartTls:
                return AnswerStartTls(data.IsEmpty, output);
            case NbdOption.ExportName:
                return AnswerExportName(data, (clientFlags & HandshakeFlags.NoZeroes) == 0, output);
            case NbdOption.Abort:
                // Data that comes with it is to be ignored, not refused.
                OptionReplyWriter.Ack(output, option);
                return Close(CloseReason.ClientAborted);
            case NbdOption.List:
                return data.IsEmpty ? AnswerList(output) : TakesNoData(option, output);
            case NbdOption.StructuredReply:
                return data.IsEmpty ? AnswerStructuredReply(output) : TakesNoData(option, output);
            case NbdOption.Info or NbdOption.Go:
                return AnswerInfo(option, data, output);
            case NbdOption.ListMetaContext or NbdOption.SetMetaContext:
                return AnswerMetaContext(option, data, output);
            default:
                return Refuse(option, NbdOptionReply.ErrorUnsupported, default, output);
        }
    }

    /// <summary>
    /// The answer to an option whose data is skipped unseen; goes out at once, as it does not depend on the data.
    /// </summary>
    private HandshakeStatus AnswerTooBig(NbdOption option, IBufferWriter<byte> output)
    {
        if (option is not (NbdOption.StartTls or NbdOption.Abort) && ForbidsAll(option, output) is { } forbidden)
            return forbidden;
        switch (option)
        {
            case NbdOption.StartTls:
                return AnswerStartTls(isEmpty: false, output);
            case NbdOption.ExportName:
                return Close(CloseReason.BadExportName);
            case NbdOption.Abort:
                OptionReplyWriter.Ack(output, option);
                return Close(CloseReason.ClientAborted);
            case NbdOption.List or NbdOption.StructuredReply:
                return TakesNoData(option, output);
            case NbdOption.SetMetaContext:
                // A failed choice, too, replaces the one before.
                _allocationOf = null;
                return Refuse(option, NbdOptionReply.ErrorTooBig, "option data too long"u8, output);
            case NbdOption.Info or NbdOption.Go or NbdOption.ListMetaContext:
                return Refuse(option, NbdOptionReply.ErrorTooBig, "option data too long"u8, output);
            default:
                return Refuse(option, NbdOptionReply.ErrorUnsupported, default, output);
        }
    }

    /// <summary>
    /// The answer to any option before TLS, where nothing goes without it, and to a client that is refused; null: the option
    /// may be looked at. EXPORT_NAME has no error reply.
    /// </summary>
    private HandshakeStatus? ForbidsAll(NbdOption option, IBufferWriter<byte> output) => tls switch
    {
        HandshakeTls.Required when option == NbdOption.ExportName => Close(CloseReason.TlsRequired),
        HandshakeTls.Required => Refuse(option, NbdOptionReply.ErrorTlsRequired, "TLS is required"u8, output),
        HandshakeTls.Refused when option == NbdOption.ExportName => Close(CloseReason.ClientRefused),
        HandshakeTls.Refused => Refuse(option, NbdOptionReply.ErrorPolicy, _refusal, output),
        _ => null,
    };

    private HandshakeStatus AnswerStartTls(bool isEmpty, IBufferWriter<byte> output)
    {
        if (tls == HandshakeTls.None)
            return Refuse(NbdOption.StartTls, NbdOptionReply.ErrorUnsupported, default, output);
        if (tls is HandshakeTls.Active or HandshakeTls.Refused)
            return Refuse(NbdOption.StartTls, NbdOptionReply.ErrorInvalid, "TLS is in use already"u8, output);
        if (!isEmpty)
            return TakesNoData(NbdOption.StartTls, output);
        OptionReplyWriter.Ack(output, NbdOption.StartTls);
        return HandshakeStatus.StartTls;
    }

    /// <summary>Its data is the name; it has no error reply, so that every failure ends the connection.</summary>
    private HandshakeStatus AnswerExportName(ReadOnlySpan<byte> data, bool padded, IBufferWriter<byte> output)
    {
        if (!OptionReader.IsString(data))
            return Close(CloseReason.BadExportName);

        string name = Encoding.UTF8.GetString(data);
        ExportLookup lookup = exports.Find(name, out ExportInfo? export);
        if (lookup == ExportLookup.Unavailable)
            return Close(CloseReason.ExportUnavailable);
        if (lookup != ExportLookup.Found || export is null)
            return Close(CloseReason.UnknownExport);

        Negotiated negotiated = NegotiatedFor(name);
        OptionReplyWriter.ExportName(output, export, export.FlagsFor(negotiated), padded);
        return Enter(export, negotiated);
    }

    private HandshakeStatus AnswerList(IBufferWriter<byte> output)
    {
        if (!exports.TryList(out IReadOnlyList<ExportInfo>? list))
            return Refuse(NbdOption.List, NbdOptionReply.ErrorShutdown, "server is stopping"u8, output);

        foreach (ExportInfo export in list)
            OptionReplyWriter.Server(output, export);
        OptionReplyWriter.Ack(output, NbdOption.List);
        return HandshakeStatus.Continue;
    }

    private HandshakeStatus AnswerStructuredReply(IBufferWriter<byte> output)
    {
        _structuredReplies = true;
        OptionReplyWriter.Ack(output, NbdOption.StructuredReply);
        return HandshakeStatus.Continue;
    }

    /// <summary>
    /// INFO and GO: the name (length and bytes), the number of information requests, and those, 16 bits each.
    /// </summary>
    /// <remarks>
    /// Block sizes go out unasked, as qemu does. A client that did not ask for them is let in all the same, as by
    /// nbdkit: the specification allows BLOCK_SIZE_REQD, but advises against requiring, and clients that never ask
    /// (old kernels, whose requests are multiples of 512 or of the file system's block) mostly keep the constraint
    /// anyway. A request that does not gets EINVAL and harms nothing.
    /// </remarks>
    private HandshakeStatus AnswerInfo(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        OptionReader reader = new(data);
        if (!reader.TryString(out ReadOnlySpan<byte> nameBytes) || !reader.TryUInt16(out ushort requests))
            return Malformed(option, output);

        bool wantsName = false;
        bool wantsDescription = false;
        for (int i = 0; i < requests; i++)
        {
            if (!reader.TryUInt16(out ushort info))
                return Malformed(option, output);

            // Each is answered once however often it is asked for, and one that is not known is ignored.
            wantsName |= info == (ushort)NbdInfo.Name;
            wantsDescription |= info == (ushort)NbdInfo.Description;
        }

        if (!reader.AtEnd)
            return Malformed(option, output);

        string name = Encoding.UTF8.GetString(nameBytes);
        if (!TryFind(option, name, output, out ExportInfo? export))
            return HandshakeStatus.Continue;

        Negotiated negotiated = NegotiatedFor(name);
        OptionReplyWriter.ExportInfo(output, option, export, export.FlagsFor(negotiated));
        OptionReplyWriter.BlockSizeInfo(output, option, export);
        if (wantsName)
            OptionReplyWriter.TextInfo(output, option, NbdInfo.Name, export.Name);
        if (wantsDescription && export.Description.Length > 0)
            OptionReplyWriter.TextInfo(output, option, NbdInfo.Description, export.Description);
        OptionReplyWriter.Ack(output, option);
        return option == NbdOption.Go ? Enter(export, negotiated) : HandshakeStatus.Continue;
    }

    /// <summary>LIST_ and SET_META_CONTEXT: the name and the queries, each with its length before it.</summary>
    private HandshakeStatus AnswerMetaContext(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        // A choice replaces the one before, also when it fails.
        bool set = option == NbdOption.SetMetaContext;
        if (set)
            _allocationOf = null;
        if (!_structuredReplies)
            return Refuse(option, NbdOptionReply.ErrorInvalid, "structured replies come first"u8, output);
        if (!MetaContextRequest.TryRead(data, set, out MetaContextRequest request))
            return Malformed(option, output);
        if (!TryFind(option, request.ExportName, output, out _))
            return HandshakeStatus.Continue;

        if (request.BaseAllocation)
        {
            if (set)
                _allocationOf = request.ExportName;

            // In a listing the identifier is reserved.
            uint id = set ? NbdConstants.BaseAllocationContextId : 0;
            OptionReplyWriter.MetaContext(output, option, id, MetaContextRequest.BaseAllocationName);
        }

        OptionReplyWriter.Ack(output, option);
        return HandshakeStatus.Continue;
    }

    /// <summary>Finds an export or refuses the option.</summary>
    private bool TryFind(
        NbdOption option,
        string name,
        IBufferWriter<byte> output,
        [NotNullWhen(true)] out ExportInfo? export)
    {
        ExportLookup lookup = exports.Find(name, out export);
        if (lookup == ExportLookup.Found && export is not null)
            return true;

        if (lookup == ExportLookup.Unavailable)
            OptionReplyWriter.Error(output, option, NbdOptionReply.ErrorShutdown, "export is stopping"u8);
        else
            OptionReplyWriter.Error(output, option, NbdOptionReply.ErrorUnknown, "no such export"u8);
        return false;
    }

    /// <summary>
    /// A context counts only if the name that it was chosen for is the one that transmission starts with.
    /// </summary>
    private Negotiated NegotiatedFor(string name) =>
        new(_structuredReplies, string.Equals(_allocationOf, name, StringComparison.Ordinal));

    private static HandshakeStatus TakesNoData(NbdOption option, IBufferWriter<byte> output) =>
        Refuse(option, NbdOptionReply.ErrorInvalid, "option takes no data"u8, output);

    private static HandshakeStatus Malformed(NbdOption option, IBufferWriter<byte> output) =>
        Refuse(option, NbdOptionReply.ErrorInvalid, "malformed option data"u8, output);

    private static HandshakeStatus Refuse(
        NbdOption option, NbdOptionReply error, ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        OptionReplyWriter.Error(output, option, error, message);
        return HandshakeStatus.Continue;
    }

    private HandshakeStatus Enter(ExportInfo export, Negotiated negotiated)
    {
        Export = export;
        Negotiated = negotiated;
        return HandshakeStatus.Transmission;
    }

    private HandshakeStatus Close(CloseReason reason)
    {
        CloseReason = reason;
        return HandshakeStatus.Closed;
    }
}
