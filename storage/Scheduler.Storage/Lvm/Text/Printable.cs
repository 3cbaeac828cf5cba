namespace Scheduler.Storage.Lvm.Text;

/// <summary>Makes what a disk says fit for a line of a message: no control characters, not too long.</summary>
internal static class Printable
{
    private const int LengthMax = 128;

    public static string Of(string text)
    {
        string cut = text.Length <= LengthMax ? text : text[..LengthMax] + "...";
        return string.Concat(cut.Select(c => c is >= ' ' and <= '~' ? c : '?'));
    }
}
