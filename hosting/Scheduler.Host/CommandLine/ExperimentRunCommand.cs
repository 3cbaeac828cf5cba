using System.CommandLine;
using System.Globalization;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Host.Experiments;
using Scheduler.Simulation;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler experiment run FILE [--policy P]... [--seed N]... [--duration TIME] [--output DIR]</c></summary>
internal static class ExperimentRunCommand
{
    /// <summary>Exit code when something did not come out as expected, or the experiment was cut short.</summary>
    public const int ExitNotMet = 1;

    /// <summary>Makes the command.</summary>
    /// <returns>The command, whose action throws <see cref="HoconException"/> for a wrong file.</returns>
    public static Command Create()
    {
        Argument<string> file = new("FILE") { Description = $"The experiment's file, or the name of one in {ExperimentCatalog.Directory}" };
        Option<string[]> policies = new("--policy")
        {
            Description = "Runs this policy in place of the file's. May be repeated.",
            HelpName = "POLICY",
            Arity = ArgumentArity.OneOrMore,
        };
        _ = policies.AcceptOnlyFromAmong(KebabName.All<PolicyKind>());
        Option<int[]> seeds = new("--seed")
        {
            Description = "Runs this seed in place of the file's. May be repeated.",
            HelpName = "N",
            Arity = ArgumentArity.OneOrMore,
        };
        seeds.Validators.Add(result =>
        {
            foreach (string text in result.Tokens.Select(token => token.Value).Where(text => !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
                result.AddError($"--seed: '{text}' is not a whole number from 0 to {int.MaxValue}");
        });
        Option<TimeSpan?> duration = DurationOption.Create(
            "--duration",
            "Measures for so long in place of the file's time",
            ExperimentBuilder.DurationMin,
            ExperimentBuilder.DurationMax);
        Option<string?> output = new("--output")
        {
            Description = "Directory for report.json and report.csv. Default: experiments/NAME-<time in UTC>",
            HelpName = "DIR",
        };
        Command command = new("run", "Runs an experiment and reports what each group of guests got.") { file, policies, seeds, duration, output };
        command.SetAction((parsed, cancellation) =>
        {
            ExperimentSpec spec = ExperimentLoader.Load(ExperimentCatalog.Find(parsed.GetValue(file)!));
            spec = Changed(spec, parsed.GetValue(policies) ?? [], parsed.GetValue(seeds) ?? [], parsed.GetValue(duration));
            ReportDirectory directory = ReportDirectory.Create(parsed.GetValue(output) ?? DefaultDirectory(spec.Name));
            return RunAsync(spec, directory, parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, cancellation);
        });
        return command;
    }

    private static string DefaultDirectory(string name) =>
        Path.Combine("experiments", string.Create(CultureInfo.InvariantCulture, $"{name}-{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}"));

    // What is expected of a policy that is not run can't come out.
    private static ExperimentSpec Changed(ExperimentSpec spec, string[] policies, int[] seeds, TimeSpan? duration)
    {
        IReadOnlyList<PolicyKind> kinds = policies.Length == 0 ? spec.Policies : [.. policies.Distinct().Select(KebabName.Parse<PolicyKind>)];
        return spec with
        {
            Policies = kinds,
            Expectations = [.. spec.Expectations.Where(expectation => kinds.Contains(expectation.Policy))],
            Seeds = seeds.Length == 0 ? spec.Seeds : [.. seeds.Distinct()],
            DurationNs = duration is { } time ? time.Ticks * TimeSpan.NanosecondsPerTick : spec.DurationNs,
        };
    }

    private static async Task<int> RunAsync(
        ExperimentSpec spec, ReportDirectory directory, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        ExperimentReport report = await ExperimentProgressView.RunAsync(spec, error, cancellation);
        ReportView.Write(report, output);
        try
        {
            directory.Write(report);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"{directory.Path}: cannot be written: {e.Message}");
            return ExitNotMet;
        }

        await output.WriteLineAsync($"written: {directory.Json}, {directory.Csv}");
        return report.Partial || report.Check().Any(result => !result.Met) ? ExitNotMet : 0;
    }
}
