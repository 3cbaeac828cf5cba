using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Scheduler.Host.CommandLine;

namespace Scheduler.Host.Tests.CommandLine.Admin;

/// <summary>Which service the commands ask, with which token, and the commands that are not those of one kind of entity.</summary>
public sealed class AdminOptionsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task The_token_comes_from_a_file()
    {
        await using StandInService service = await StandInService.StartAsync();
        service.Token = "s3cret";
        Assert.Equal(1, await Run("guest", "list", "--admin", service.Url));
        Assert.Equal("a token is needed; give one in SCHEDULER_TOKEN\n", _error.ToString());
        Assert.Equal(0, await Run("guest", "list", "--admin", service.Url, "--token-file", Save("token", "s3cret\n")));
        Assert.Equal(0, await Run("ring", "--token-file", Save("token", "s3cret"), "--admin", service.Url, "list"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    [InlineData("two words")]
    [InlineData("two\nlines")]
    public async Task A_file_without_a_token_is_refused_and_not_shown(string content)
    {
        Assert.Equal(1, await Run("guest", "list", "--token-file", Save("token", content)));
        Assert.Equal($"--token-file {_directory}/token: there is no token in it; it holds one line, as scheduler token create prints it\n", _error.ToString());
    }

    [Fact]
    public async Task A_file_that_is_none_of_a_token_is_not_read_to_its_end()
    {
        Assert.Equal(1, await Run("guest", "list", "--token-file", "/dev/zero"));
        Assert.Contains("there is no token in it", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await Run("guest", "list", "--token-file", _directory + "/none"));
        Assert.Contains("/none: Could not find file", _error.ToString(), StringComparison.Ordinal);
    }

    // The variable belongs to the whole process, so it is another one's.
    [Fact]
    public async Task The_token_comes_from_the_environment_and_the_secret_of_a_new_one_is_alone_on_the_output()
    {
        await using StandInService service = await StandInService.StartAsync();
        service.Token = "from-the-environment";
        ProcessStartInfo start = new("dotnet", [typeof(ServeCommand).Assembly.Location, "token", "create", "ci", "--role", "viewer", "--admin", service.Url])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["SCHEDULER_TOKEN"] = "from-the-environment" },
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal((0, "s3cret\n", ""), (process.ExitCode, await output, await error));
        Assert.Equal(["""PUT /api/v1/tokens/ci  {"role":"viewer"}"""], service.Requests);
    }

    [Fact]
    public async Task A_token_that_is_there_already_is_no_new_one()
    {
        await using StandInService service = await StandInService.StartAsync();
        service.Entities["tokens"]["ci"] = JsonNode.Parse("""{"name":"ci","role":"viewer","revision":1}""")!.AsObject();
        Assert.Equal(1, await Run("token", "create", "ci", "--role", "viewer", "--admin", service.Url));
        Assert.Equal(("", "token ci exists already, and is not shown again; delete it first, or take another name\n"), (_output.ToString(), _error.ToString()));
        Assert.Equal(2, await Run("token", "create", "ci", "--admin", service.Url));
    }

    [Fact]
    public async Task Rings_are_listed_and_closed_over_a_unix_socket()
    {
        string socket = Path.Combine(_directory, "admin.sock");
        await using StandInService service = await StandInService.StartAsync(kestrel => kestrel.ListenUnixSocket(socket));
        service.Entities["rings"]["7"] = JsonNode.Parse(
            """{"name":"7","id":7,"volume":"v","disk":"d","guest":"g","peer":"CN=\u001b[2Jweb","tls":true,"credits":128,"inFlight":3}""")!.AsObject();
        Assert.Equal(0, await Run("ring", "list", "--admin", "unix:" + socket));
        Assert.Matches(@"^id +volume +disk +guest +peer +tls +credits +in-flight *\n7 +v +d +g +CN=\?\[2Jweb +true +128 +3 *\n$", _output.ToString());
        Assert.Equal(0, await Run("ring", "close", "7", "--admin", "unix:" + socket));
        Assert.EndsWith("ring 7: closed\n", _output.ToString(), StringComparison.Ordinal);
        Assert.Empty(service.Entities["rings"]);
        Assert.Equal(2, await Run("ring", "close", "..", "--admin", "unix:" + socket));
    }

    [Fact]
    public async Task A_disk_is_detached()
    {
        await using StandInService service = await StandInService.StartAsync();
        service.Entities["disks"]["d"] = [];
        Assert.Equal(0, await Run("disk", "detach", "d", "--admin", service.Url));
        Assert.Equal("disk d: 3 connections closed\n", _output.ToString());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(9, 4)]
    public async Task History_is_as_long_as_asked_for(int limit, int requests)
    {
        await using StandInService service = await StandInService.StartAsync();
        service.PageMax = 2;
        for (int i = 8; i > 0; i--)
            service.History.Add(JsonNode.Parse($$"""{"number":{{i}},"kind":"guest","name":"g{{i}}","change":"added","by":"uid 0","at":"2026-01-02T03:04:05Z"}""")!.AsObject());
        Assert.Equal(0, await Run("history", "--limit", $"{limit}", "--admin", service.Url));
        string[] lines = _output.ToString().TrimEnd().Split('\n');
        Assert.Matches("^number +at +kind +name +change +by", lines[0]);
        Assert.Equal(Enumerable.Range(0, Math.Min(limit, 8)).Select(i => $"g{8 - i}"), lines[1..].Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]));
        Assert.Equal(requests, service.Requests.Count);
        Assert.Equal(2, await Run("history", "--limit", "0"));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("pong")]
    [InlineData("""{"items":[],"next":"more"}""")]
    public async Task What_is_not_a_scheduler_is_one_line(string answer)
    {
        await using StandInService service = await StandInService.StartAsync();
        service.ListAnswer = answer;
        Assert.Equal(1, await Run("guest", "list", "--admin", service.Url));
        Assert.Matches($@"^{service.Url} is not a scheduler's admin address: [^\n]+\n$", _error.ToString());
    }

    [Fact]
    public async Task Where_nothing_answers_it_is_one_line()
    {
        Assert.Equal(1, await Run("history", "--admin", "http://127.0.0.1:1"));
        Assert.Matches(@"^no service answers at http://127.0.0.1:1: [^\n]*--admin\n$", _error.ToString());
    }

    [Fact]
    public async Task An_https_service_is_trusted_by_its_CA_alone()
    {
        using ECDsa key = ECDsa.Create();
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using StandInService service = await StandInService.StartAsync(
            kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));

        Assert.StartsWith("https://", service.Url, StringComparison.Ordinal);
        Assert.Equal(0, await Run("guest", "list", "--admin", service.Url, "--ca", Save("ca.pem", certificate.ExportCertificatePem())));
        Assert.Equal(1, await Run("guest", "list", "--admin", service.Url));
        Assert.Matches($"^no service answers at {service.Url}: [^\n]*certificate[^\n]*\n$", _error.ToString());
        Assert.Equal(1, await Run("guest", "list", "--admin", service.Url, "--ca", Save("empty.pem", "")));
        Assert.EndsWith($"--ca {_directory}/empty.pem: no certificate is in it; name a PEM file\n", _error.ToString(), StringComparison.Ordinal);
    }

    private string Save(string name, string content)
    {
        string file = Path.Combine(_directory, name);
        File.WriteAllText(file, content);
        return file;
    }

    private Task<int> Run(params string[] args) =>
        SchedulerCommandLine.RunAsync(args, _output, _error, (_, _) => Task.FromResult(0), CancellationToken.None);
}
