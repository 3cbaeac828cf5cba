namespace Scheduler.Nbd.Protocol;

/// <summary>
/// Magic numbers and lengths of the NBD protocol. All integers on the wire are big-endian. Source of everything in this
/// folder: <c>doc/proto.md</c> of the reference implementation (github.com/NetworkBlockDevice/nbd), cited by section
/// title.
/// </summary>
public static class NbdConstants
{
    /// <summary><c>NBDMAGIC</c>: the first eight bytes that a server sends.</summary>
    public const ulong InitMagic = 0x4e42444d41474943;

    /// <summary><c>IHAVEOPT</c>: follows <see cref="InitMagic"/>, and begins every option of the client.</summary>
    public const ulong OptionMagic = 0x49484156454F5054;

    /// <summary>Begins every reply to an option.</summary>
    public const ulong OptionReplyMagic = 0x0003e889045565a9;

    /// <summary>Begins every request.</summary>
    public const uint RequestMagic = 0x25609513;

    /// <summary>Begins a simple reply.</summary>
    public const uint SimpleReplyMagic = 0x67446698;

    /// <summary>Begins a chunk of a structured reply.</summary>
    public const uint StructuredReplyMagic = 0x668e33ef;

    /// <summary>Longest string that the protocol allows, in bytes of UTF-8 (section "Conventions").</summary>
    public const int StringBytesMax = 4096;

    /// <summary>
    /// Largest payload of one read or write, in bytes: what a client may rely on without asking (section "Size
    /// constraints").
    /// </summary>
    public const int PayloadBytesMax = 32 * 1024 * 1024;

    /// <summary>
    /// Zeroes that end the reply to <see cref="NbdOption.ExportName"/> unless the client declined them.
    /// </summary>
    public const int ExportNamePaddingBytes = 124;

    /// <summary>
    /// Identifier of the metadata context <c>base:allocation</c> on every connection. Any number would do; not 0, so
    /// that a client which mixes it up with the reserved 0 of a listing is noticed.
    /// </summary>
    public const uint BaseAllocationContextId = 1;
}
