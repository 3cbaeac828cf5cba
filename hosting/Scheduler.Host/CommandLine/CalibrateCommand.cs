using System.CommandLine;
using System.Globalization;
using Scheduler.Host.Calibration;
using Scheduler.Host.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.Calibration;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler calibrate PATH [--output FILE] [--seconds N] [--write|--overwrite] ...</c></summary>
internal static class CalibrateCommand
{
    /// <summary>Exit code when nothing could be measured, or it was cut short.</summary>
    public const int ExitFailed = 1;

    private const double SecondsMin = 0.1;
    private const double SecondsMax = 3600;

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        Argument<string> path = new("PATH") { Description = "File or block device to measure; nothing else may use it meanwhile" };
        Option<string?> output = new("--output") { Description = "File for the profile. Default: it is printed", HelpName = "FILE" };
        Option<double> seconds = new("--seconds")
        {
            Description = "Time for measuring, besides filling",
            HelpName = "N",
            DefaultValueFactory = _ => 30,
            CustomParser = argument =>
            {
                string text = argument.Tokens[0].Value;
                bool parsed = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
                if (!parsed || number is not (>= SecondsMin and <= SecondsMax))
                    argument.AddError(string.Create(CultureInfo.InvariantCulture, $"--seconds: '{text}' is not a number from {SecondsMin} to {SecondsMax}"));
                return number;
            },
        };
        Option<bool> write = new("--write") { Description = "Measures writes on a block device too, if it looks empty. What it has is lost" };
        Option<bool> overwrite = new("--overwrite") { Description = "Measures writes whatever is there. It is lost" };
        Option<long> size = new("--size")
        {
            Description = "Bytes to use, from the first; a file that does not exist is made so large, and removed again. Default: all",
            HelpName = "SIZE",
            CustomParser = argument =>
            {
                string text = argument.Tokens[0].Value;
                if (!ByteSize.TryParse(text, out long bytes, out string? problem))
                    argument.AddError($"--size: {problem}");
                else if (bytes < 1 << 20 || bytes % SettingsReader.BlockBytes != 0)
                    argument.AddError($"--size: '{text}' is not a multiple of {SettingsReader.BlockBytes} from 1MiB on");
                return bytes;
            },
        };
        Option<int> depth = new("--depth")
        {
            Description = "Most requests in flight: as the volume's depth",
            HelpName = "N",
            DefaultValueFactory = _ => 32,
        };
        depth.Validators.Add(result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "32";
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > 1024)
                result.AddError($"--depth: '{text}' is not a whole number from 1 to 1024");
        });
        Option<string> cache = Choice<CacheMode>("--cache", "Use of the page cache, as of a volume", CacheMode.Direct);
        Option<string> io = Choice<IoMethod>("--io", "How requests reach it, as of a volume", IoMethod.Auto);
        Command command = new("calibrate", "Measures a file or block device, and fits the costs that a volume charges.")
        {
            path,
            output,
            seconds,
            write,
            overwrite,
            size,
            depth,
            cache,
            io,
        };
        command.SetAction((parsed, cancellation) =>
        {
            VolumeOptions volume = new()
            {
                Path = parsed.GetValue(path)!,
                Size = parsed.GetValue(size),
                Cache = KebabName.Parse<CacheMode>(parsed.GetValue(cache)!),
                Io = KebabName.Parse<IoMethod>(parsed.GetValue(io)!),

                // As a volume has them: past the page cache each operation waits for the device.
                Workers = parsed.GetValue(cache) == KebabName.Of(CacheMode.Direct) ? parsed.GetValue(depth) : 0,
            };
            CalibrationOptions options = new()
            {
                Writes = parsed.GetValue(overwrite) ? CalibrationWrites.Always
                    : parsed.GetValue(write) ? CalibrationWrites.IfEmpty
                    : CalibrationWrites.IfEmptyFile,
                Time = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                DepthMax = parsed.GetValue(depth),
            };
            InvocationConfiguration invocation = parsed.InvocationConfiguration;
            return Task.Run(() => Run(volume, options, parsed.GetValue(output), invocation.Output, invocation.Error, cancellation), CancellationToken.None);
        });
        return command;
    }

    private static Option<string> Choice<T>(string name, string description, T otherwise)
        where T : struct, Enum
    {
        Option<string> option = new(name)
        {
            Description = description,
            HelpName = KebabName.List<T>(),
            DefaultValueFactory = _ => KebabName.Of(otherwise),
        };
        return option.AcceptOnlyFromAmong(KebabName.All<T>());
    }

    private static int Run(
        VolumeOptions volume, CalibrationOptions options, string? file, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        try
        {
            CalibrationResult result = Measure(volume, options, error, cancellation);
            if (result.Refusal is { } refusal)
            {
                string remedy = refusal.Needed == CalibrationWrites.Always ? "--overwrite, which loses what is there" : "--write";
                error.WriteLine($"{volume.Path}: only reads were measured: {refusal.Reason}; to measure the rest, name an empty file or give {remedy}.");
            }

            CalibrationView.Write(result, output);
            string depth = options.DepthMax.ToString(CultureInfo.InvariantCulture);
            string what = $"{Path.GetFileName(volume.Path)}, cache = {KebabName.Of(volume.Cache)}, depth {depth}";
            string text = ProfileText.Of(result, what);
            if (file is null)
            {
                output.Write($"\n{text}");
                return 0;
            }

            File.WriteAllText(file, text);
            output.WriteLine($"written: {file}");
            return 0;
        }
        catch (OperationCanceledException)
        {
            error.WriteLine("cut short: nothing was fitted");
            return ExitFailed;
        }
        catch (Exception e) when (e is VolumeOpenException or CalibrationException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(e.Message);
            return ExitFailed;
        }
    }

    private static CalibrationResult Measure(VolumeOptions volume, CalibrationOptions options, TextWriter error, CancellationToken cancellation)
    {
        CalibrationTarget? there = CalibrationTarget.At(volume.Path);
        if (there is null && volume.Size == 0)
            throw new CalibrationException($"{volume.Path}: it does not exist; give --size to have a file made, and removed again.");

        // Made here, and only where there is none: what is removed at the end is surely what was made.
        if (there is null)
            new FileStream(volume.Path, FileMode.CreateNew).Dispose();
        try
        {
            IBlockDevice device = DeviceFactory.Open(volume, reason => error.WriteLine($"threads are used, as io_uring can't be: {reason}"));
            return DeviceCalibration.Run(device, there ?? new CalibrationTarget(IsFile: true, IsAllocated: false), options, error.WriteLine, cancellation);
        }
        catch (CalibrationException e)
        {
            throw new CalibrationException($"{volume.Path}: {e.Message}");
        }
        finally
        {
            if (there is null)
                File.Delete(volume.Path);
        }
    }
}
