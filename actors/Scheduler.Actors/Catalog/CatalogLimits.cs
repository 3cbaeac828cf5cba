using System.Text.RegularExpressions;

namespace Scheduler.Actors;

/// <summary>The ranges of what the catalog and the configuration hold: one place for both.</summary>
public static partial class CatalogLimits
{
    /// <summary>Volumes, disks and extents are counted in these bytes.</summary>
    public const int BlockBytes = 4096;

    /// <summary>4 PiB: far beyond what one file system gives, and sums of two sizes cannot overflow.</summary>
    public const long SizeMax = 4L << 50;

    /// <summary>Operations in flight on a device.</summary>
    public const int DepthMax = 1024;

    /// <summary>Lowest and highest weight of a guest.</summary>
    public const int WeightMin = 1;

    /// <inheritdoc cref="WeightMin"/>
    public const int WeightMax = 10_000;

    /// <summary>Of reservations and limits: more 4 KiB reads a second than any device gives.</summary>
    public const long RateMax = 1_000_000_000;

    /// <summary>Bounds of a guest's unflushed bytes: 1 MiB to 1 TiB.</summary>
    public const long UnflushedMin = 1L << 20;

    /// <inheritdoc cref="UnflushedMin"/>
    public const long UnflushedMax = 1L << 40;

    /// <summary>Bounds of a guest's buffers. The largest NBD payload (32 MiB) must fit beside a little for small requests.</summary>
    public const long BufferMemoryMin = 33L << 20;

    /// <inheritdoc cref="BufferMemoryMin"/>
    public const long BufferMemoryMax = 4L << 30;

    /// <summary>Connections of a guest, or of a listener.</summary>
    public const int ConnectionsMax = 65_536;

    /// <summary>What a name is, in words.</summary>
    public const string NameRule = "up to 63 letters, digits, '.', '_' and '-', a letter or digit first";

    /// <summary>Most entries of each kind in the catalog, declared ones included.</summary>
    public const int EntriesMax = 4096;

    /// <summary>Characters of a path, a certificate's subject, and of who made a change.</summary>
    public const int TextLengthMax = 512;

    /// <summary>Longest common name of a certificate (X.520).</summary>
    public const int CommonNameMax = 64;

    /// <summary>Longest time that a flush may be held back.</summary>
    public static readonly TimeSpan FlushLatencyMax = TimeSpan.FromMinutes(1);

    /// <summary>Longest time that operations may queue inside a device.</summary>
    public static readonly TimeSpan LatencyTargetMax = TimeSpan.FromSeconds(10);

    /// <summary>What says which of Xen's domains, in words, behind "neither".</summary>
    public static readonly string DomainRule = $"the name of a Xen domain nor its UUID: 1 to {CommonNameMax} printable characters";

    /// <summary>Whether a text can say which of Xen's domains.</summary>
    /// <param name="text">The text.</param>
    public static bool IsDomain(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length is > 0 and <= CommonNameMax && !text.Any(char.IsControl);
    }

    /// <summary>Whether a text is a name of a volume, guest, disk, token or identity; see <see cref="NameRule"/>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsName(string text) => NamePattern().IsMatch(text);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z")]
    private static partial Regex NamePattern();
}
