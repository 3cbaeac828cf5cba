using Scheduler.Core;

namespace Scheduler.Host.Configuration;

/// <summary>Checks a volume's costs: a device's profile, in the keys of an experiment's device, or first guesses.</summary>
/// <param name="reader">Converts values and makes errors.</param>
/// <param name="section">The flat key of the section.</param>
internal sealed class CostRules(SettingsReader reader, string section)
{
    private const double BytesPerMib = 1 << 20;

    /// <summary>
    /// Longer costs are typing errors; they would also let one request hold back a guest for minutes.
    /// </summary>
    private static readonly TimeSpan _max = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _tick = TimeSpan.FromTicks(1);

    public CostModel Check(CostEntry entry)
    {
        CostModel guess = new();

        // What a device does by itself is known in full, or it is learned: half of it would be wrong for good.
        bool profile = IsProfile(("channels", entry.Channels), ("read", entry.Read), ("write", entry.Write));
        double write = Ns("write", entry.Write, _tick) ?? guess.WriteNs;
        double perByte = PerByte("per-mib", entry.PerMib) ?? guess.ReadByteNs;

        // A profile may carry it for the sake of experiments.
        _ = entry.Spread is null ? 0 : reader.Number(At("spread"), entry.Spread, 0, 1);
        return new CostModel
        {
            Learn = !profile,
            Parallel = profile ? reader.Count(At("channels"), entry.Channels, 1, 1024) : guess.Parallel,
            ReadNs = Ns("read", entry.Read, _tick) ?? guess.ReadNs,
            ReadByteNs = perByte,
            WriteNs = write,
            WriteByteNs = PerByte("write-per-mib", entry.WritePerMib) ?? perByte,
            DurableWriteNs = Ns("durable-write", entry.DurableWrite, TimeSpan.Zero) ?? 0,
            DiscardNs = Ns("discard", entry.Discard, _tick) ?? write,
            DiscardByteNs = PerByte("discard-per-mib", entry.DiscardPerMib) ?? 0,
            FlushNs = Ns("flush", entry.Flush, _tick) ?? guess.FlushNs,
            FlushByteNs = PerByte("flush-per-mib", entry.FlushPerMib) ?? 0,
        };
    }

    private bool IsProfile(params ReadOnlySpan<(string Name, string? Text)> needed)
    {
        string? present = null;
        string? missing = null;
        foreach ((string name, string? text) in needed)
        {
            if (text is null)
                missing ??= name;
            else
                present ??= name;
        }

        return present is null || missing is null
            ? present is not null
            : reader.Wrong(At(present), $"a profile needs {missing} too; without channels, read and write they are learned", false);
    }

    private string At(string name) => SettingsReader.Key(section, name);

    private double? Ns(string name, string? text, TimeSpan min) =>
        text is null ? null : reader.Duration(At(name), text, min, _max).TotalNanoseconds;

    private double? PerByte(string name, string? text) => Ns(name, text, TimeSpan.Zero) / BytesPerMib;
}
