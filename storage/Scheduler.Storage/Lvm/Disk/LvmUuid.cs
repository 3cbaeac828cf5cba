// Layout: LVM2's lib/uuid/uuid.c.
using System.Buffers;
using System.Text;

namespace Scheduler.Storage.Lvm.Disk;

/// <summary>LVM2's identities: 32 characters, written in groups of 6-4-4-4-4-4-6.</summary>
internal static class LvmUuid
{
    private const int Characters = 32;
    private const int Written = 38;

    private static readonly SearchValues<char> s_allowed =
        SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#");

    /// <summary>Writes the 32 characters of a label in groups.</summary>
    public static bool TryFormat(ReadOnlySpan<byte> raw, out string text)
    {
        string characters = Encoding.Latin1.GetString(raw);
        text = characters.Length == Characters
            ? $"{characters[..6]}-{characters[6..10]}-{characters[10..14]}-{characters[14..18]}-{characters[18..22]}-"
                + $"{characters[22..26]}-{characters[26..]}"
            : "";
        return IsUuid(text);
    }

    /// <summary>Whether a text is an identity in groups.</summary>
    public static bool IsUuid(string text)
    {
        if (text.Length != Written)
            return false;
        for (int i = 0; i < Written; i++)
        {
            bool separator = i >= 6 && i <= 31 && (i - 6) % 5 == 0;
            if (separator ? text[i] != '-' : !s_allowed.Contains(text[i]))
                return false;
        }

        return true;
    }
}
