// A test as a table: after the head (TraceSetup), lines of "time event | effect, effect", compared as text with what
// the core does. Further effects may follow on lines that begin with "|". Times are microseconds since the head was
// carried out. An event that breaks an invariant has the effect "broken RULE" and is the last.
using System.Text;

namespace Scheduler.Core.Tests.Traces;

/// <summary>Runs a trace.</summary>
internal static class Trace
{
    private const int EventWidth = 40;

    /// <summary>Fails unless the core does what the trace says.</summary>
    /// <param name="script">Head and table.</param>
    /// <param name="traceFlushes">Whether "serves" effects are part of it.</param>
    /// <returns>The core after the last event, for questions that effects do not answer.</returns>
    public static VolumeCore Check(string script, bool traceFlushes = false)
    {
        TraceSetup setup = new();
        List<(string Event, List<string> Effects)> expected = Read(script, setup);
        VolumeCore core = new(setup.Volume) { TraceFlushes = traceFlushes };
        long baseNs = CarryOutHead(core, setup);

        List<(string Event, List<string> Effects)> actual = [];
        foreach ((string line, _) in expected)
        {
            string time = TraceText.Words(line)[0];
            List<string> effects = [];
            try
            {
                VolumeEvent happened = TraceEvents.Parse(line[time.Length..], setup);
                foreach (Effect effect in core.Step(happened, baseNs + TraceText.Microseconds(time)))
                    effects.Add(TraceEffects.Text(effect, baseNs));
            }
            catch (InvariantException broken)
            {
                effects.Add($"broken {broken.Rule}");
            }

            actual.Add((line, effects));
        }

        string expectedText = Text(expected);
        string actualText = Text(actual);
        Assert.True(expectedText == actualText, $"expected:\n{expectedText}\nactual:\n{actualText}");
        return core;
    }

    private static List<(string Event, List<string> Effects)> Read(string script, TraceSetup setup)
    {
        List<(string Event, List<string> Effects)> table = [];
        foreach (string raw in script.Split('\n'))
        {
            string line = raw.Split("//")[0].Trim();
            if (line.Length == 0)
                continue;
            if (table.Count == 0 && !char.IsAsciiDigit(line[0]))
            {
                setup.Add(line);
                continue;
            }

            string[] halves = line.Split('|');
            if (halves[0].Length > 0)
                table.Add((string.Join(' ', TraceText.Words(halves[0])), []));
            if (halves.Length > 1)
                table[^1].Effects.AddRange(halves[1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }

        return table;
    }

    private static long CarryOutHead(VolumeCore core, TraceSetup setup)
    {
        foreach (VolumeEvent ring in setup.Rings)
            _ = core.Step(ring, 0);
        if (!setup.Clean)
            return 0;

        // The flushes take as long as a flush is believed to take, so that the belief stays.
        Stack<int> flushes = [];
        foreach (VolumeEvent ring in setup.Rings)
            Take(core.Step(VolumeEvent.Submit(ring.Ring, 0, RequestOp.Flush), 0), flushes);

        // Last first, so that numbers are given out from 0 again; some policies start one when another is over.
        while (flushes.TryPop(out int flush))
            Take(core.Step(VolumeEvent.Completed(flush), setup.FlushNs), flushes);
        return setup.FlushNs;
    }

    private static void Take(ReadOnlySpan<Effect> effects, Stack<int> flushes)
    {
        foreach (Effect effect in effects)
        {
            if (effect.Kind == EffectKind.Flush)
                flushes.Push(effect.Operation);
        }
    }

    private static string Text(List<(string Event, List<string> Effects)> table)
    {
        StringBuilder text = new();
        foreach ((string line, List<string> effects) in table)
        {
            _ = text.Append(line.PadRight(EventWidth)).Append("| ").Append(effects.FirstOrDefault()).Append('\n');
            foreach (string effect in effects.Skip(1))
                _ = text.Append("".PadRight(EventWidth)).Append("| ").Append(effect).Append('\n');
        }

        return text.ToString();
    }
}
