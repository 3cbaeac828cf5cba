namespace Scheduler.Nbd.Tests;

/// <summary>
/// Bytes as a person writes them: hexadecimal digits, 'text' with _ for blanks, the magics by name, and any of these
/// repeated with *count. What follows # is a comment.
/// </summary>
internal static class Wire
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["NBDMAGIC"] = "4e42444d41474943",
        ["IHAVEOPT"] = "49484156454f5054",
        ["OPTREPLY"] = "0003e889045565a9",
        ["REQUEST"] = "25609513",
        ["SIMPLE"] = "67446698",
        ["CHUNK"] = "668e33ef",
        ["COOKIE"] = "0102030405060708",
    };

    public static byte[] Bytes(string text)
    {
        List<byte> bytes = [];
        foreach (string token in Tokens(text))
        {
            int star = token.LastIndexOf('*');
            int times = star < 0 ? 1 : int.Parse(token[(star + 1)..]);
            byte[] once = One(star < 0 ? token : token[..star]);
            for (int i = 0; i < times; i++)
                bytes.AddRange(once);
        }

        return [.. bytes];
    }

    public static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static byte[] One(string token)
    {
        if (token.StartsWith('\''))
            return System.Text.Encoding.UTF8.GetBytes(token[1..^1].Replace('_', ' '));
        return Convert.FromHexString(Names.GetValueOrDefault(token, token));
    }

    private static string[] Tokens(string text)
    {
        IEnumerable<string> lines = text.Split('\n').Select(line => line.Split('#')[0]);
        return string.Join(' ', lines).Split([' ', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries);
    }
}
