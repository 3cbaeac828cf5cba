using System.Buffers.Binary;
using System.Text.Unicode;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// Reads an option's data front to back; every method says whether what it wants is there and well-formed.
/// </summary>
/// <param name="data">The option's data, whole.</param>
internal ref struct OptionReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> _rest = data;

    public readonly bool AtEnd => _rest.IsEmpty;

    public bool TryUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value))
            return false;
        _rest = _rest[sizeof(ushort)..];
        return true;
    }

    public bool TryUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value))
            return false;
        _rest = _rest[sizeof(uint)..];
        return true;
    }

    /// <summary>Reads a length and that many bytes, which must be a string of the protocol.</summary>
    public bool TryString(out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!TryUInt32(out uint length) || length > (uint)_rest.Length)
            return false;
        text = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return IsString(text);
    }

    /// <summary>Whether the bytes are UTF-8 without NUL and not too long (section "Conventions").</summary>
    public static bool IsString(ReadOnlySpan<byte> text) =>
        text.Length <= NbdConstants.StringBytesMax && !text.Contains((byte)0) && Utf8.IsValid(text);
}
